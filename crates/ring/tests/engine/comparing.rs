//! The comparison of both copies: the messages of the source, and the verdict of the receiver.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::entry::{Change, Entry};
use protocol::id::Seq;
use protocol::message::{CopyMessage, Cursor, Data, FromNode, Stretch, Verdict};
use protocol::user::UserId;
use protocol::view::Member;
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::{StoredRecord, StoredRows};
use ring_core::time::Time;

use crate::home::{NEXT, drops_next, linked_to_next};
use crate::node::{data, drops_home, entry, hello_of_home, position};
use crate::shelf::Shelf;
use crate::support::{HOME, both, handle_with, node, view};

fn id(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A storage with a record for each of these users.
fn records(names: &[&str]) -> Shelf {
    let record = StoredRecord { position: position(1, 0), record: "{}".into() };
    let records: BTreeMap<_, _> = names.iter().map(|name| (id(name), record.clone())).collect();
    Shelf { records, ..Shelf::cold() }
}

fn stretch_in(effect: &NodeEffect) -> Option<&Stretch> {
    match effect {
        NodeEffect::ToNeighbour {
            message: CopyMessage::Data { data: Data::Compare(stretch), .. },
            ..
        } => Some(stretch),
        _ => None,
    }
}

/// All stretches of a source with this storage.
fn stretches(stored: &Shelf) -> Vec<Stretch> {
    let (mut node, mut stretches) = (linked_to_next(), Vec::new());
    for second in 1..10 {
        let mut effects = Vec::new();
        node.handle(Time::at(Duration::from_secs(second)), NodeEvent::Tick, stored, &mut effects);
        while let Some(at) =
            effects.iter().position(|effect| matches!(effect, NodeEffect::Read { .. }))
        {
            let NodeEffect::Read { read, member, what } = effects.remove(at) else { break };
            let event = NodeEvent::Read { read, member, result: stored.read(member, &what) };
            node.handle(Time::at(Duration::from_secs(second)), event, stored, &mut effects);
        }
        for effect in effects {
            if let Some(stretch) = stretch_in(&effect) {
                let is_last = stretch.to.is_none();
                stretches.push(stretch.clone());
                if is_last {
                    return stretches;
                }
                let (seq, data) = (Seq(0), stretches.len() as u64);
                let durable = CopyMessage::Durable { session: 1, seq, data, written: seq };
                for message in [durable, CopyMessage::Compared { session: 1 }] {
                    let says = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
                    handle_with(&mut node, stored, says);
                }
            }
        }
    }
    panic!("the rows have no end: {stretches:?}");
}

/// Node db-1. Its next copy receives from home.
fn receiver() -> Node {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    handle_with(
        &mut node,
        &Shelf::cold(),
        NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() },
    );
    node
}

fn compare(stretch: &Stretch) -> NodeEvent {
    data(view(0, 1, both(0)), Data::Compare(stretch.clone()))
}

fn verdicts(effects: &[NodeEffect]) -> Vec<Verdict> {
    let told = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Compared { verdict, .. }, .. } => Some(*verdict),
        _ => None,
    });
    told.collect()
}

/// The verdicts of a receiver with this storage on all stretches of a source.
fn verdict(stored: &Shelf, stretches: &[Stretch]) -> Vec<Verdict> {
    let mut node = receiver();
    let effects =
        stretches.iter().flat_map(|stretch| handle_with(&mut node, stored, compare(stretch)));
    verdicts(&effects.collect::<Vec<_>>())
}

#[test]
fn copies_with_the_same_rows_are_the_same() {
    for names in [&[][..], &["a"], &["a", "b", "c", "d", "e", "f", "g"]] {
        let stored = records(names);
        assert_eq!(verdict(&stored, &stretches(&stored)), [Verdict::Same], "{names:?}");
    }
}

#[test]
fn a_row_more_or_less_is_a_difference() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let stretches = stretches(&records(&names));
    let with = |added| records(&[&names[..], &[added]].concat());
    let mut changed = records(&names);
    let other = StoredRecord { position: position(1, 9), record: "{}".into() };
    changed.records.insert(id("d"), other);
    for stored in [records(&names[1..]), records(&names[..6]), with("aa"), with("h"), changed] {
        assert_eq!(verdict(&stored, &stretches), [Verdict::Different], "{stored:?}");
    }
}

/// Handles an event. Returns its reads apart from its other effects.
fn handle_to_read(node: &mut Node, event: NodeEvent) -> (Vec<NodeEffect>, Vec<NodeEffect>) {
    let mut effects = Vec::new();
    node.handle(Time::ZERO, event, &Shelf::cold(), &mut effects);
    effects.into_iter().partition(|effect| !matches!(effect, NodeEffect::Read { .. }))
}

fn append(name: &str) -> NodeEvent {
    let change = Change::Replace { id: id(name), record: "{}".into() };
    let entries = vec![Entry { change, ..entry(position(1, 1)) }];
    data(view(0, 1, both(0)), Data::Append { previous: position(0, 0), entries })
}

fn is_skipped(effects: &[NodeEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, NodeEffect::ComparisonSkipped { .. }))
}

/// A stretch comes, then an entry, then the read for the stretch returns.
fn overtaken_by(name: &str) -> Vec<NodeEffect> {
    let stored = records(&["a", "b"]);
    let of_records = |stretch: &&Stretch| matches!(stretch.after, Cursor::Records(_));
    let stretches = stretches(&stored);
    let first = stretches.iter().find(of_records).unwrap();
    let mut node = receiver();
    let (_, reads) = handle_to_read(&mut node, compare(first));
    let [NodeEffect::Read { read, member, what }] = &reads[..] else { panic!("{reads:?}") };
    handle_to_read(&mut node, append(name));
    let event =
        NodeEvent::Read { read: *read, member: *member, result: stored.read(*member, what) };
    let (mut effects, _) = handle_to_read(&mut node, event);
    for stretch in stretches.iter().skip_while(|stretch| *stretch != first).skip(1) {
        effects.extend(handle_with(&mut node, &stored, compare(stretch)));
    }
    effects
}

#[test]
fn a_stretch_that_an_entry_overtakes_is_not_judged() {
    let effects = overtaken_by("a");
    assert!(is_skipped(&effects), "{effects:?}");
    assert_eq!(verdicts(&effects), [], "neither is the round");
}

#[test]
fn an_entry_behind_a_stretch_does_not_keep_it_from_being_judged() {
    let effects = overtaken_by("z");
    assert!(!is_skipped(&effects), "{effects:?}");
}

#[test]
fn a_stretch_that_comes_while_another_one_is_compared_drops_the_link() {
    let stored = records(&["a"]);
    let stretches = stretches(&stored);
    let mut node = receiver();
    let of_records = |stretch: &&Stretch| matches!(stretch.after, Cursor::Records(_));
    let stretch = stretches.iter().find(of_records).unwrap();
    handle_to_read(&mut node, compare(stretch));
    let (effects, reads) = handle_to_read(&mut node, compare(stretch));
    assert!(drops_home(&effects) && reads.is_empty(), "{effects:?}");
}

#[test]
fn the_next_stretch_waits_until_the_one_before_is_compared() {
    let (mut node, mut second) = (linked_to_next(), 0);
    let mut then = |event| {
        second += 1;
        let (mut effects, now) = (Vec::new(), Time::at(Duration::from_secs(second)));
        node.handle(now, event, &records(&[]), &mut effects);
        // Before the source sends a stretch of records, it reads the rows.
        let is_read = |effect: &NodeEffect| matches!(effect, NodeEffect::Read { .. });
        effects.iter().filter(|effect| stretch_in(effect).is_some() || is_read(effect)).count()
    };
    let says = |message| NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
    assert_eq!(then(NodeEvent::Tick), 1);
    let (seq, data) = (Seq(0), 1);
    let durable = CopyMessage::Durable { session: 1, seq, data, written: seq };
    assert_eq!(then(says(durable)), 0, "it is durable, and not compared yet");
    assert_eq!(then(NodeEvent::Tick), 0);
    assert_eq!(then(says(CopyMessage::Compared { session: 1 })), 1);
}

#[test]
fn a_stretch_that_was_not_sent_is_not_compared() {
    let mut node = linked_to_next();
    let message = CopyMessage::Compared { session: 1 };
    let says = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
    let effects = handle_with(&mut node, &Shelf::cold(), says);
    assert!(drops_next(&effects), "{effects:?}");
}

#[test]
fn a_stretch_that_cannot_be_one_drops_the_link() {
    let (rows, digest) = (0, 0);
    let records = |name: &str| Cursor::Records(Some(id(name)));
    for (after, to) in [
        (records("b"), Some(records("a"))),
        (records("b"), Some(records("b"))),
        (Cursor::START, None),
        (Cursor::START, Some(records("a"))),
        (records("a"), Some(Cursor::START)),
    ] {
        let stretch = Stretch { after, to, rows, digest };
        let effects = handle_with(&mut receiver(), &Shelf::cold(), compare(&stretch));
        assert!(drops_home(&effects), "{stretch:?}");
    }
}
