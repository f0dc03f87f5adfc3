//! A donor under load, and a joiner with a slow disk.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::entry::Entry;
use protocol::id::{PartitionId, Seq};
use protocol::message::{Action, CopyMessage, Data, ToNode};
use protocol::precondition::Precondition;
use protocol::user::{User, UserId};
use protocol::view::Member;
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::Mark;
use ring_core::time::Time;

use crate::home::{NEXT, asks, committed, linked_to_next, sync, update_event_under};
use crate::shelf::Shelf;
use crate::support::{from_gateway, handle, home_only, ring, view};

/// The latency of a message, in milliseconds.
const LATENCY_MS: u64 = 4;

/// The joiner. Each of its syncs makes durable the entries written before the sync began.
#[derive(Default)]
struct Joiner {
    /// The entries under way, each with its arrival time.
    coming: VecDeque<(u64, Vec<Entry>)>,
    written: Seq,
    durable: Seq,
    data: u64,
    /// The running sync: its return time, and the position and data count it covers.
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

    /// The joiner's message to the donor at this time, if any.
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

/// Home is alone, and makes an entry durable every `every_ms` milliseconds. Returns the time
/// until it asked for its joiner, and the longest time without a commit, both in milliseconds.
fn asks_under_load(every_ms: u64, sync_ms: u64) -> (u64, u64) {
    let mut node = linked_to_next();
    // The first update comes before the view, so that home cannot ask at once for a joiner with
    // everything.
    let mut effects = update(&mut node, 0, 1);
    effects.extend(handle(&mut node, from_gateway(ToNode::View(view(1, 2, home_only(1))))));
    let mut joiner = Joiner::default();
    joiner.is_sent(0, &sync(&mut node, &effects));
    let (mut counter, mut last_commit_ms, mut freeze_ms) = (1, 0, 0);
    for now_ms in 1_u64..20_000 {
        let mut effects = Vec::new();
        let before = committed(&node);
        if now_ms.is_multiple_of(every_ms) {
            counter += 1;
            let written = update(&mut node, now_ms, counter);
            let mark = Mark(u64::MAX);
            effects.extend(written);
            node.handle(at(now_ms), NodeEvent::Synced { mark }, &Shelf::default(), &mut effects);
        }
        if let Some(message) = joiner.lives(now_ms, sync_ms) {
            let says = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
            node.handle(at(now_ms), says, &Shelf::default(), &mut effects);
        }
        if node.next_deadline().is_some_and(|deadline| deadline <= at(now_ms)) {
            node.handle(at(now_ms), NodeEvent::Tick, &Shelf::default(), &mut effects);
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
    panic!("{every_ms} ms: it never asks for a joiner whose sync takes {sync_ms} ms");
}

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

/// Update number `counter`. It creates a user of its own, so each update makes an entry.
fn update(node: &mut Node, now_ms: u64, counter: u64) -> Vec<NodeEffect> {
    let mut ids = (0_u64..).map(|i| format!("user-{counter}-{i}").parse::<UserId>().unwrap());
    let id = ids.find(|id| ring().partition_of(id) == PartitionId(1)).unwrap();
    let json = format!(r#"{{"id":"{id}","name":"Ada","email":"ada@example.org","group":1}}"#);
    let user = User::from_json(json.as_bytes()).unwrap();
    let action = Action::Create { user, precondition: Precondition::NONE };
    let (epoch, mut effects) = (if now_ms == 0 { 1 } else { 2 }, Vec::new());
    let event = update_event_under(epoch, counter, action);
    node.handle(at(now_ms), event, &Shelf::default(), &mut effects);
    effects
}

#[test]
fn a_joiner_is_asked_for_under_load_however_long_its_sync_takes() {
    // Each update comes while many are under way, or while the one before it is. So the joiner
    // is never level by chance.
    let updates_come =
        |every_ms| [1, 20, 49, 60, 200, 600, 900, 1_400].map(|sync| (every_ms, sync));
    for (every_ms, sync_ms) in updates_come(3).into_iter().chain(updates_come(52)) {
        let (asked_ms, freeze_ms) = asks_under_load(every_ms, sync_ms);
        let most = every_ms + sync_ms + (sync_ms / 10).max(10) + 4 * LATENCY_MS;
        assert!(
            asked_ms <= 5 * sync_ms + 200,
            "{every_ms} ms, {sync_ms} ms: it asks after {asked_ms} ms"
        );
        assert!(
            freeze_ms <= most,
            "{every_ms} ms, {sync_ms} ms: nothing is committed for {freeze_ms} ms"
        );
    }
}
