//! A donor under load, and a joiner whose disk is slow.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::message::{Action, CopyMessage, Data, ToNode};
use protocol::precondition::Precondition;
use protocol::view::Member;
use ring::node::{Node, NodeEffect, NodeEvent};
use ring::store::Mark;
use ring::time::Time;

use crate::home::{NEXT, asks, committed, create, linked_to_next, sync, update_event_under};
use crate::support::{Logged, from_gateway, handle, home_only, user_of, view};

/// How long a message takes, in milliseconds.
const LATENCY_MS: u64 = 4;

/// The copy that joins: it makes durable what it has written when a sync began.
#[derive(Default)]
struct Joiner {
    /// What is on its way, and when it arrives.
    coming: VecDeque<(u64, Vec<Entry>)>,
    written: Seq,
    durable: Seq,
    data: u64,
    /// When the sync returns, and what it covers.
    syncing: Option<(u64, Seq, u64)>,
}

impl Joiner {
    fn is_sent(&mut self, now_ms: u64, effects: &[NodeEffect]) {
        for effect in effects {
            if let NodeEffect::ToNeighbour {
                message: CopyMessage::Data { data: Data::Append { entries, .. }, .. },
                ..
            } = effect
            {
                self.coming.push_back((now_ms + LATENCY_MS, entries.clone()));
            }
        }
    }

    /// What it says to the donor now.
    fn lives(&mut self, now_ms: u64, sync_ms: u64) -> Option<CopyMessage> {
        while let Some((_, entries)) = self.coming.pop_front_if(|(at, _)| *at <= now_ms) {
            self.written = entries.last().map_or(self.written, |last| last.position.seq);
            self.data += 1;
        }
        let returned = self.syncing.take_if(|(returns, ..)| *returns <= now_ms);
        self.durable = returned.map_or(self.durable, |(_, seq, _)| seq);
        if self.syncing.is_none() && self.written > self.durable {
            self.syncing = Some((now_ms + sync_ms, self.written, self.data));
        }
        let (_, seq, data) = returned?;
        Some(CopyMessage::Durable { session: 1, seq, data, written: self.written })
    }
}

/// Home alone, which makes an entry durable every few milliseconds; how long it took until it asked for its joiner, and
/// the longest time in which it committed nothing, in milliseconds.
fn asks_under_load(sync_ms: u64) -> (u64, u64) {
    let mut node = linked_to_next();
    // The first update is there before it could ask for a joiner that has all there is.
    let mut effects = update(&mut node, 0, 1);
    effects.extend(handle(&mut node, from_gateway(ToNode::View(view(1, 2, home_only(1))))));
    let mut joiner = Joiner::default();
    joiner.is_sent(0, &sync(&mut node, &effects));
    let (mut counter, mut last_commit_ms, mut freeze_ms) = (1, 0, 0);
    for now_ms in 1..20_000 {
        let mut effects = Vec::new();
        let before = committed(&node);
        if now_ms % 3 == 0 {
            counter += 1;
            let written = update(&mut node, now_ms, counter);
            let mark = Mark(u64::MAX);
            effects.extend(written);
            node.handle(at(now_ms), NodeEvent::Synced { mark }, &Logged::by(&[]), &mut effects);
        }
        if let Some(message) = joiner.lives(now_ms, sync_ms) {
            let says = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
            node.handle(at(now_ms), says, &Logged::by(&[]), &mut effects);
        }
        if node.next_deadline().is_some_and(|deadline| deadline <= at(now_ms)) {
            node.handle(at(now_ms), NodeEvent::Tick, &Logged::by(&[]), &mut effects);
        }
        joiner.is_sent(now_ms, &effects);
        if committed(&node) > before {
            last_commit_ms = now_ms;
        }
        freeze_ms = freeze_ms.max(now_ms - last_commit_ms);
        if !asks(&effects).is_empty() {
            return (now_ms, freeze_ms);
        }
    }
    panic!("it never asks for a joiner whose sync takes {sync_ms} ms");
}

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

fn update(node: &mut Node, now_ms: u64, counter: u64) -> Vec<NodeEffect> {
    let deletes = Action::Delete { id: user_of(1), precondition: Precondition::NONE };
    let action = if counter % 2 == 1 { create() } else { deletes };
    let (epoch, mut effects) = (if now_ms == 0 { 1 } else { 2 }, Vec::new());
    let event = update_event_under(epoch, counter, action);
    node.handle(at(now_ms), event, &Logged::by(&[]), &mut effects);
    effects
}

#[test]
fn a_joiner_is_asked_for_under_load_however_long_its_sync_takes() {
    for sync_ms in [1, 20, 49, 60, 200, 600, 900, 1_400] {
        let (asked_ms, freeze_ms) = asks_under_load(sync_ms);
        let most = sync_ms + (sync_ms / 10).max(10) + 4 * LATENCY_MS;
        assert!(asked_ms <= 5 * sync_ms + 200, "{sync_ms} ms: it asks after {asked_ms} ms");
        assert!(freeze_ms <= most, "{sync_ms} ms: nothing is committed for {freeze_ms} ms");
    }
}
