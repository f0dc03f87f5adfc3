//! How a node treats damaged rows in its storage.

use std::time::Duration;

use protocol::id::{Epoch, Position, Seq};
use protocol::message::{
    Action, Condition, CopyMessage, Cursor, Data, FromNode, Holds, Reply, Stretch, ToNode, Verdict,
};
use protocol::precondition::Precondition;
use protocol::view::{InSync, Member, View};
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeSettings};
use ring_core::store::Mutation;
use ring_core::time::Time;

use crate::home::{
    NEXT, create, found_at_home, greets, greets_with, linked_to_next, sync, update, update_event,
    update_event_under,
};
use crate::node::{data, drops_home, hello_of_home, replies, request};
use crate::shelf::Shelf;
use crate::support::{
    HOME, both, from_gateway, handle, handle_with, home_only, incarnation, node, read_of,
    recovered, user_of, view, welcome,
};

fn alarms(effects: &[NodeEffect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, NodeEffect::Alarm(_))).count()
}

pub(crate) fn conditions(effects: &[NodeEffect]) -> Vec<Condition> {
    let told = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Condition { condition, .. }, .. } => {
            Some(*condition)
        }
        _ => None,
    });
    told.collect()
}

fn marks(effects: &[NodeEffect]) -> usize {
    let is_mark = |effect: &&NodeEffect| {
        matches!(effect, NodeEffect::Write { mutation: Mutation::MarkDamaged { .. }, .. })
    };
    effects.iter().filter(is_mark).count()
}

pub(crate) fn greetings(effects: &[NodeEffect]) -> Vec<Holds> {
    let greetings = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToNeighbour { message: CopyMessage::Greeting(greeting), .. } => {
            Some(greeting.holds.clone())
        }
        _ => None,
    });
    greetings.collect()
}

#[test]
fn a_read_of_a_damaged_record_is_turned_away_and_the_controller_told_once() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, both(0)));
    let read = || request(0, Member::Next, 2, read_of(0));
    let effects = handle_with(&mut node, &Shelf::rotten(), read());
    assert_eq!(replies(&effects), [Reply::Fenced]);
    assert_eq!(conditions(&effects), [Condition::Damaged]);
    assert_eq!((marks(&effects), alarms(&effects)), (1, 1));
    let effects = handle_with(&mut node, &Shelf::rotten(), read());
    assert_eq!(replies(&effects), [Reply::Fenced]);
    assert_eq!((conditions(&effects).len(), marks(&effects), alarms(&effects)), (0, 0, 0));
}

#[test]
fn an_update_of_a_damaged_record_writes_nothing() {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    let update = Action::Delete { id: user_of(1), precondition: Precondition::NONE };
    let request = update_event(1, update);
    let effects = handle_with(&mut node, &Shelf::rotten(), request);
    assert_eq!(replies(&effects), [Reply::Fenced]);
    let applies = |effect: &NodeEffect| {
        matches!(effect, NodeEffect::Write { mutation: Mutation::Apply { .. }, .. })
    };
    assert!(!effects.iter().any(applies), "{effects:?}");
}

#[test]
fn a_damaged_copy_relies_on_nothing_it_has_once_no_view_counts_on_it() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, both(0)));
    let hello = hello_of_home();
    let effects = handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello });
    assert!(matches!(greetings(&effects)[..], [Holds::Whole(_)]), "{effects:?}");
    let read = request(0, Member::Next, 2, read_of(0));
    assert!(greetings(&handle_with(&mut node, &Shelf::rotten(), read)).is_empty());
    let shrunk = handle(&mut node, from_gateway(ToNode::View(view(0, 3, home_only(0)))));
    assert_eq!(greetings(&sync(&mut node, &shrunk)), [Holds::Nothing]);
}

#[test]
fn a_home_that_is_dropped_answers_no_update_that_next_may_not_have() {
    let mut node = linked_to_next();
    let effects = update(&mut node, 1, create());
    let shrunk = view(1, 2, InSync::NextOnly { next: incarnation(2) });
    let mut effects = [effects, handle(&mut node, from_gateway(ToNode::View(shrunk)))].concat();
    effects.extend(sync(&mut node, &effects.clone()));
    assert_eq!(replies(&effects), [] as [Reply; 0]);
}

#[test]
fn a_greeting_begins_one_session() {
    let mut node = linked_to_next();
    let dropped = view(1, 2, InSync::NextOnly { next: incarnation(2) });
    for in_sync in [dropped, view(1, 3, both(1))] {
        let effects = handle(&mut node, from_gateway(ToNode::View(in_sync)));
        sync(&mut node, &effects);
    }
    // Home is the source again. Next has not reported its position since then.
    let effects = handle(&mut node, update_event_under(3, 1, create()));
    let sent = [effects.clone(), sync(&mut node, &effects)].concat();
    assert!(!sent.iter().any(is_data), "{sent:?}");
    let sent = handle(&mut node, greets(2));
    assert!(sent.iter().any(is_data), "{sent:?}");
}

fn is_data(effect: &NodeEffect) -> bool {
    matches!(effect, NodeEffect::ToNeighbour { message: CopyMessage::Data { .. }, .. })
}

/// Sends a stretch with this number of rows and this digest from the source.
fn compare(node: &mut Node, view: View, rows: u64, digest: u128) -> Vec<NodeEffect> {
    let stretch = Stretch { after: Cursor::Records(None), to: None, rows, digest };
    handle(node, data(view, Data::Compare(stretch)))
}

#[test]
fn a_stretch_of_more_rows_than_can_be_sent_at_once_drops_the_link() {
    let in_sync = view(0, 2, both(0));
    let mut node = node(view(1, 2, both(1)), in_sync);
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    let rows_max = 2 * NodeSettings::default().rows_max as u64;
    assert!(!drops_home(&compare(&mut node, in_sync, rows_max, 0)));
    let effects = compare(&mut node, in_sync, rows_max + 1, 0);
    assert!(drops_home(&effects), "{effects:?}");
}

#[test]
fn copies_that_differ_raise_one_alarm_until_they_are_the_same_again() {
    let in_sync = view(0, 2, both(0));
    let mut node = node(view(1, 2, both(1)), in_sync);
    let hello = hello_of_home();
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello });
    let verdicts = |effects: &[NodeEffect]| {
        let told = effects.iter().filter_map(|effect| match effect {
            NodeEffect::ToGateway { message: FromNode::Compared { verdict, .. }, .. } => {
                Some(*verdict)
            }
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let of_nothing = xxhash_rust::xxh3::xxh3_128(&[]);
    let rounds = [
        (of_nothing, Verdict::Same, 0),
        (1, Verdict::Different, 1),
        (2, Verdict::Different, 0),
        (of_nothing, Verdict::Same, 0),
        (1, Verdict::Different, 1),
    ];
    for (digest, verdict, alarm) in rounds {
        let effects = compare(&mut node, in_sync, 0, digest);
        assert_eq!(verdicts(&effects), [verdict], "{effects:?}");
        assert_eq!(alarms(&effects), alarm);
    }
}

#[test]
fn a_damaged_copy_says_so_again_under_each_view() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, both(0)));
    handle_with(&mut node, &Shelf::rotten(), request(0, Member::Next, 2, read_of(0)));
    let told = handle(&mut node, from_gateway(ToNode::View(view(0, 3, both(0)))));
    let effects = sync(&mut node, &told);
    assert_eq!(conditions(&effects), [Condition::Damaged]);
}

/// The log is unreadable, so no session begins. The node waits for another view, without any
/// work.
#[test]
fn a_damaged_home_without_a_session_is_idle_and_does_not_ask_to_go_on_alone() {
    let mut node = recovered(found_at_home(view(1, 2, both(1)), Seq(5)));
    welcome(&mut node, vec![view(1, 2, both(1)), view(0, 2, both(0))]);
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    let greeting = greets_with(1, Position { epoch: Epoch(2), seq: Seq(3) });
    let found = handle_with(&mut node, &Shelf::rotten(), greeting);
    assert_eq!(conditions(&found), [Condition::Damaged]);
    sync(&mut node, &found);
    let later = Time::at(Duration::from_secs(60));
    let mut effects = Vec::new();
    node.handle(later, NodeEvent::Tick, &Shelf::rotten(), &mut effects);
    assert!(node.next_deadline().is_none_or(|deadline| deadline > later), "it would never rest");
    let reports = |effect: &NodeEffect| {
        matches!(effect, NodeEffect::ToGateway { message: FromNode::NextUnreachable { .. }, .. })
    };
    assert!(!effects.iter().any(reports), "{effects:?}");
}
