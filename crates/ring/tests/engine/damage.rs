//! What a node and a gateway do about stored rows that are not what was written.

use std::time::Duration;

use protocol::entry::{Answer, Entry};
use protocol::id::{Epoch, PartitionId, Position, RequestId, Seq};
use protocol::message::{
    Action, Ask, AskNumber, Condition, CopyMessage, CopyReport, Cursor, Data, FromNode, Holds,
    Progress, RecordRow, Reply, Report, Stretch, ToNode, Verdict,
};
use protocol::precondition::Precondition;
use protocol::user::UserId;
use protocol::view::{InSync, Member, View};
use ring::gateway::{Gateway, GatewayEffect, GatewayEvent};
use ring::link::LinkId;
use ring::node::{Node, NodeEffect, NodeEvent, NodeSettings};
use ring::store::{AtHand, Budget, Mutation, ReadError, Stored, StoredRecord, StoredRows};
use ring::time::Time;

use crate::gateway::{
    AFTER_GRACE, ask, gateway, handle as at_gateway, handle_at, link, passes, sent_to, views,
};
use crate::home::{
    NEXT, create, found_at_home, greets, greets_with, linked_to_next, sync, update, update_event,
    update_event_under,
};
use crate::node::{data, drops_home, hello_of_home, replies, request};
use crate::support::{
    HOME, both, from_gateway, handle, handle_with, hello, home_only, incarnation, node, read_of,
    recovered, user_of, view, welcome,
};

/// A storage of which no record can be read.
struct Rotten;

impl Rotten {
    fn row<T>() -> Result<T, ReadError> {
        Err(ReadError::Damaged("a row".to_owned()))
    }
}

impl Stored for Rotten {
    fn at_hand(&self, _: Member, _: &UserId) -> Result<AtHand, ReadError> {
        Self::row()
    }
}

impl StoredRows for Rotten {
    fn record(&self, _: Member, _: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        Self::row()
    }

    fn records(
        &self,
        _: Member,
        _: Option<&UserId>,
        _: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        Self::row()
    }

    fn entries(&self, _: Member, _: Seq, _: Seq, _: Budget) -> Result<Vec<Entry>, ReadError> {
        Self::row()
    }

    fn applied(&self, _: Member, _: RequestId) -> Result<Option<Answer>, ReadError> {
        Self::row()
    }
}

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
    let effects = handle_with(&mut node, &Rotten, read());
    assert_eq!(replies(&effects), [Reply::Fenced]);
    assert_eq!(conditions(&effects), [Condition::Damaged]);
    assert_eq!((marks(&effects), alarms(&effects)), (1, 1));
    let effects = handle_with(&mut node, &Rotten, read());
    assert_eq!(replies(&effects), [Reply::Fenced]);
    assert_eq!((conditions(&effects).len(), marks(&effects), alarms(&effects)), (0, 0, 0));
}

#[test]
fn an_update_of_a_damaged_record_writes_nothing() {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    let update = Action::Delete { id: user_of(1), precondition: Precondition::NONE };
    let request = update_event(1, update);
    let effects = handle_with(&mut node, &Rotten, request);
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
    assert!(greetings(&handle_with(&mut node, &Rotten, read)).is_empty());
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
    // Home is the source again, and next has not said since then how far it is.
    let effects = handle(&mut node, update_event_under(3, 1, create()));
    let sent = [effects.clone(), sync(&mut node, &effects)].concat();
    assert!(!sent.iter().any(is_data), "{sent:?}");
    let sent = handle(&mut node, greets(2));
    assert!(sent.iter().any(is_data), "{sent:?}");
}

fn is_data(effect: &NodeEffect) -> bool {
    matches!(effect, NodeEffect::ToNeighbour { message: CopyMessage::Data { .. }, .. })
}

/// The source has so many rows, and this digest of them.
fn compare(node: &mut Node, view: View, (rows, digest): (u64, u128)) -> Vec<NodeEffect> {
    let stretch = Stretch { after: Cursor::Records(None), to: None, rows, digest };
    handle(node, data(view, Data::Compare(stretch)))
}

#[test]
fn a_stretch_of_more_rows_than_can_be_sent_at_once_drops_the_link() {
    let in_sync = view(0, 2, both(0));
    let mut node = node(view(1, 2, both(1)), in_sync);
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    let rows_max = 2 * NodeSettings::default().rows_max as u64;
    assert!(!drops_home(&compare(&mut node, in_sync, (rows_max, 0))));
    let effects = compare(&mut node, in_sync, (rows_max + 1, 0));
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
        let effects = compare(&mut node, in_sync, (0, digest));
        assert_eq!(verdicts(&effects), [verdict], "{effects:?}");
        assert_eq!(alarms(&effects), alarm);
    }
}

fn says(
    gateway: &mut Gateway,
    node: u8,
    partition: u16,
    condition: Condition,
) -> Vec<ring::gateway::GatewayEffect> {
    says_under(gateway, node, (partition, Epoch(1)), condition)
}

fn says_under(
    gateway: &mut Gateway,
    node: u8,
    (partition, epoch): (u16, Epoch),
    condition: Condition,
) -> Vec<ring::gateway::GatewayEffect> {
    let partition = PartitionId(partition);
    let message = FromNode::Condition { partition, epoch, condition };
    at_gateway(gateway, GatewayEvent::NodeSays { link: link(node), message })
}

/// It was heard after the ask that came of what it told of: the copy is whole by now, or will say again that it is not.
#[test]
fn what_a_copy_was_worth_under_an_older_view_is_not_heard() {
    let next_only = InSync::NextOnly { next: incarnation(1) };
    let mut gateway = gateway([(4, next_only), (1, both(1)), (1, both(2))]);
    let (partition, epoch, joiner) = (PartitionId(0), Epoch(4), incarnation(0));
    let message = FromNode::Ask(Ask { ask: AskNumber(1), partition, epoch, joiner });
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message });
    for is_saved in [false, true] {
        if is_saved {
            at_gateway(&mut gateway, GatewayEvent::Saved);
        }
        assert_eq!(says_under(&mut gateway, 0, (0, epoch), Condition::Partial), []);
    }
    let effects = says_under(&mut gateway, 0, (0, Epoch(5)), Condition::Damaged);
    assert_eq!(views(&effects)[0], Some(next_only), "that counts");
}

#[test]
fn a_view_does_not_shrink_in_favour_of_a_damaged_home() {
    for (condition, expected) in [(Condition::Whole, home_only(0)), (Condition::Damaged, both(0))] {
        let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
        for lost in [0, 1] {
            at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(lost) });
        }
        // Most links were lost at once, so nodes have time to come back.
        let later = AFTER_GRACE + Duration::from_secs(3);
        passes(&mut gateway, AFTER_GRACE, later);
        let again = LinkId(99);
        let linked = GatewayEvent::NodeLinked { link: again, hello: hello(0) };
        handle_at(&mut gateway, later, linked);
        let home = CopyReport { condition, ..CopyReport::default() };
        let message = FromNode::Report(Report { home, ..Report::default() });
        handle_at(&mut gateway, later, GatewayEvent::NodeSays { link: again, message });
        while gateway.is_saving() {
            handle_at(&mut gateway, later, GatewayEvent::Saved);
        }
        let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
        assert_eq!(view.in_sync, expected, "{condition:?}");
    }
}

#[test]
fn a_home_that_is_damaged_serves_what_is_whole_where_next_was_damaged_too() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    for node in [0, 1] {
        // Nobody has answered a probe when the second one finds damage too.
        let (partition, epoch, condition) = (PartitionId(0), Epoch(1), Condition::Damaged);
        let message = FromNode::Condition { partition, epoch, condition };
        let says = GatewayEvent::NodeSays { link: link(node), message };
        gateway.handle(AFTER_GRACE, says, &mut Vec::new());
    }
    let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!(view.in_sync, both(0), "each has rows that the other one lacks");
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    while gateway.is_saving() {
        at_gateway(&mut gateway, GatewayEvent::Saved);
    }
    let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!(view.in_sync, home_only(0));
    let db_0 = "db-0".parse().unwrap();
    gateway.accept_loss(AFTER_GRACE, PartitionId(0), &db_0, &mut Vec::new()).unwrap();
}

#[test]
fn a_damaged_copy_says_so_again_under_each_view() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, both(0)));
    handle_with(&mut node, &Rotten, request(0, Member::Next, 2, read_of(0)));
    let told = handle(&mut node, from_gateway(ToNode::View(view(0, 3, both(0)))));
    let effects = sync(&mut node, &told);
    assert_eq!(conditions(&effects), [Condition::Damaged]);
}

#[test]
fn a_damaged_copy_leaves_the_view_in_favour_of_a_whole_one() {
    let next_only = InSync::NextOnly { next: incarnation(1) };
    for (node, expected) in [(0, next_only), (1, home_only(0))] {
        let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
        let effects = says(&mut gateway, node, 0, Condition::Damaged);
        assert_eq!(views(&effects)[0], Some(expected), "db-{node} is damaged");
    }
}

#[test]
fn a_damaged_copy_stays_while_there_is_no_whole_one() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    while gateway.is_saving() {
        at_gateway(&mut gateway, GatewayEvent::Saved);
    }
    assert!(says(&mut gateway, 1, 0, Condition::Damaged).is_empty());
    let problems = gateway.status(AFTER_GRACE).partitions.swap_remove(0).problems;
    assert!(problems.iter().any(|problem| problem.starts_with("damaged: ")), "{problems:?}");
}

#[test]
fn an_ask_for_a_joiner_that_is_not_whole_is_refused_until_it_is() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    says_under(&mut gateway, 1, (0, Epoch(4)), Condition::Damaged);
    let effects = at_gateway(&mut gateway, ask(0, 0, 4));
    assert!(matches!(sent_to(&effects, 0)[..], [ToNode::AskRefused { .. }]), "{effects:?}");
    let effects = says_under(&mut gateway, 1, (0, Epoch(4)), Condition::Whole);
    let whole = ToNode::JoinerIsWhole { partition: PartitionId(0) };
    assert_eq!(sent_to(&effects, 0), [&whole]);
    let effects = at_gateway(&mut gateway, ask(0, 0, 4));
    assert_eq!(views(&effects)[0], Some(both(0)));
}

#[test]
fn a_copy_that_was_restored_need_not_have_what_it_had_before() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let progress = |seq, condition| {
        FromNode::Progress(Progress {
            partition: PartitionId(0),
            member: Member::Home,
            written: Position { epoch: Epoch(1), seq: Seq(seq) },
            durable: Seq(seq),
            committed: Seq::ZERO,
            condition,
        })
    };
    let says = |gateway: &mut Gateway, message| {
        at_gateway(gateway, GatewayEvent::NodeSays { link: link(0), message });
        while gateway.is_saving() {
            at_gateway(gateway, GatewayEvent::Saved);
        }
    };
    says(&mut gateway, progress(8, Condition::Whole));
    let condition = |epoch, condition| {
        let (partition, epoch) = (PartitionId(0), Epoch(epoch));
        FromNode::Condition { partition, epoch, condition }
    };
    says(&mut gateway, condition(1, Condition::Damaged));
    says(&mut gateway, progress(8, Condition::Damaged));
    says(&mut gateway, condition(2, Condition::Whole));
    let ask = Ask {
        ask: AskNumber(1),
        partition: PartitionId(0),
        epoch: Epoch(2),
        joiner: incarnation(0),
    };
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message: FromNode::Ask(ask) });
    at_gateway(&mut gateway, GatewayEvent::Saved);
    at_gateway(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(0) });
    let position = Position { epoch: Epoch(1), seq: Seq(4) };
    let copy = CopyReport { view: None, position, condition: Condition::Whole };
    let message = FromNode::Report(Report { home: copy, next: copy });
    let effects = at_gateway(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message });
    let is_dropped = effects.iter().any(|effect| matches!(effect, GatewayEffect::Drop { .. }));
    assert!(!is_dropped, "{effects:?}");
}

#[test]
fn a_node_that_ends_says_why_in_the_status() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let message = FromNode::Goodbye("the disk is full".to_owned());
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message });
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    let status = gateway.status(AFTER_GRACE);
    assert_eq!(status.nodes[1].last_words.as_deref(), Some("the disk is full"));
    let problems = &status.partitions[1].problems;
    assert!(problems[0].contains("it ended: the disk is full"), "{problems:?}");
}

/// Its log cannot be read, so no session begins; it waits for another view, and not for anything to do.
#[test]
fn a_damaged_home_without_a_session_is_idle_and_does_not_ask_to_go_on_alone() {
    let mut node = recovered(found_at_home(view(1, 2, both(1)), Seq(5)));
    welcome(&mut node, vec![view(1, 2, both(1)), view(0, 2, both(0))]);
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    let greeting = greets_with(1, Position { epoch: Epoch(2), seq: Seq(3) });
    let found = handle_with(&mut node, &Rotten, greeting);
    assert_eq!(conditions(&found), [Condition::Damaged]);
    sync(&mut node, &found);
    let later = Time::at(Duration::from_secs(60));
    let mut effects = Vec::new();
    node.handle(later, NodeEvent::Tick, &Rotten, &mut effects);
    assert!(node.next_deadline().is_none_or(|deadline| deadline > later), "it would never rest");
    let reports = |effect: &NodeEffect| {
        matches!(effect, NodeEffect::ToGateway { message: FromNode::NextUnreachable { .. }, .. })
    };
    assert!(!effects.iter().any(reports), "{effects:?}");
}
