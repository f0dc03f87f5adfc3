//! A node's guards.

use std::time::Duration;

use protocol::entry::{Change, Entry};
use protocol::hello::HomeHello;
use protocol::id::{Boot, Epoch, PartitionId, Position, RequestId, Seq};
use protocol::message::{
    Action, CallId, CopyMessage, Data, DiskState, FromNode, Operation, Reply, Request, Rows,
    ToNode, Update,
};
use protocol::precondition::Precondition;
use protocol::view::{InSync, Member, View};
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeSettings, StopReason};
use ring_core::time::Time;
use uuid::Uuid;

use crate::shelf::Shelf;
use crate::support::{
    BOOT, CLUSTER, GATEWAY, HOME, both, from_gateway, handle, home_only, ids, incarnation, node,
    read_of, user_of, view,
};

pub(crate) fn request(
    partition: u16,
    member: Member,
    epoch: u64,
    operation: Operation,
) -> NodeEvent {
    let (call, partition, epoch) = (CallId(9), PartitionId(partition), Epoch(epoch));
    from_gateway(ToNode::Request(Request { call, partition, member, epoch, operation }))
}

fn delete(partition: u16) -> Operation {
    let action = Action::Delete { id: user_of(partition), precondition: Precondition::NONE };
    Operation::Update(Update {
        request: RequestId { boot: BOOT, counter: 1 },
        unsettled_from: 1,
        action,
    })
}

pub(crate) fn replies(effects: &[NodeEffect]) -> Vec<Reply> {
    let replies = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Reply { reply, .. }, .. } => Some(reply.clone()),
        _ => None,
    });
    replies.collect()
}

fn drops_gateway(effects: &[NodeEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, NodeEffect::Drop { link, .. } if *link == GATEWAY))
}

#[test]
fn a_next_copy_out_of_sync_never_serves() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, home_only(0)));
    let effects = handle(&mut node, request(0, Member::Next, 2, read_of(0)));
    assert_eq!(replies(&effects), [Reply::Fenced]);
}

#[test]
fn a_home_copy_out_of_sync_never_serves() {
    let in_sync = InSync::NextOnly { next: incarnation(2) };
    let mut node = node(view(1, 2, in_sync), view(0, 2, both(0)));
    for operation in [read_of(1), delete(1)] {
        let effects = handle(&mut node, request(1, Member::Home, 2, operation));
        assert_eq!(replies(&effects), [Reply::Fenced]);
    }
}

#[test]
fn a_copy_of_another_incarnation_than_the_view_names_never_serves() {
    let in_sync = InSync::Both { home: incarnation(0), next: incarnation(77) };
    let mut node = node(view(1, 2, both(1)), view(0, 2, in_sync));
    let effects = handle(&mut node, request(0, Member::Next, 2, read_of(0)));
    assert_eq!(replies(&effects), [Reply::Fenced]);
}

#[test]
fn a_request_of_an_older_epoch_is_fenced() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let effects = handle(&mut node, request(0, Member::Next, 2, read_of(0)));
    assert_eq!(replies(&effects), [Reply::Fenced]);
    let effects = handle(&mut node, request(1, Member::Home, 2, delete(1)));
    assert_eq!(replies(&effects), [Reply::Fenced]);
}

#[test]
fn a_request_of_a_higher_epoch_drops_the_link() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let effects = handle(&mut node, request(0, Member::Next, 4, read_of(0)));
    assert!(drops_gateway(&effects), "{effects:?}");
    assert_eq!(replies(&effects), []);
}

#[test]
fn a_read_at_home_under_the_view_both_drops_the_link() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let effects = handle(&mut node, request(1, Member::Home, 3, read_of(1)));
    assert!(drops_gateway(&effects), "{effects:?}");
}

#[test]
fn an_update_at_next_drops_the_link() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let effects = handle(&mut node, request(0, Member::Next, 3, delete(0)));
    assert!(drops_gateway(&effects), "{effects:?}");
}

#[test]
fn an_update_of_another_boot_than_the_links_is_settled() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let Operation::Update(mut update) = delete(1) else { unreachable!("a delete is an update") };
    update.request.boot = protocol::id::GatewayBoot(Uuid::from_u128(99));
    let effects = handle(&mut node, request(1, Member::Home, 3, Operation::Update(update)));
    assert_eq!(replies(&effects), [Reply::Settled]);
}

#[test]
fn two_views_of_one_epoch_stop_the_node() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let effects = handle(&mut node, from_gateway(ToNode::View(view(0, 3, home_only(0)))));
    assert!(
        matches!(effects[..], [NodeEffect::Stop(StopReason::TwoControllers { .. })]),
        "{effects:?}"
    );
}

fn linked_to_home() -> Node {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    node
}

/// The hello of db-0 to db-1.
pub(crate) fn hello_of_home() -> HomeHello {
    HomeHello {
        node: ids()[0].clone(),
        incarnation: incarnation(0),
        boot: Boot { count: 1, nonce: Uuid::from_u128(7) },
        cluster: CLUSTER,
        partition: PartitionId(0),
        to: (ids()[1].clone(), incarnation(1)),
    }
}

pub(crate) fn position(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq(seq) }
}

/// An entry of P0, the partition before db-1's own.
pub(crate) fn entry(position: Position) -> Entry {
    Entry {
        position,
        request: RequestId { boot: BOOT, counter: position.seq.0 },
        unsettled_from: 1,
        change: Change::Delete { id: user_of(0) },
    }
}

fn append(previous: Position, seqs: &[u64]) -> NodeEvent {
    let entries = seqs.iter().map(|seq| entry(position(3, *seq))).collect();
    data(view(0, 3, both(0)), Data::Append { previous, entries })
}

/// Data of the first session.
pub(crate) fn data(view: View, data: Data) -> NodeEvent {
    let message = CopyMessage::Data { session: 1, view, data };
    NodeEvent::NeighbourSays { from: Member::Home, link: HOME, message }
}

pub(crate) fn drops_home(effects: &[NodeEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, NodeEffect::Drop { link, .. } if *link == HOME))
}

#[test]
fn entries_in_order_are_written_once() {
    let mut node = linked_to_home();
    let writes = |effects: &[NodeEffect]| {
        effects.iter().filter(|effect| matches!(effect, NodeEffect::Write { .. })).count()
    };
    assert_eq!(writes(&handle(&mut node, append(position(0, 0), &[1, 2]))), 2);
    assert_eq!(
        writes(&handle(&mut node, append(position(0, 0), &[1, 2, 3]))),
        1,
        "what is here is not written again"
    );
    assert_eq!(node.next().map(|next| next.progress().written.seq), Some(Seq(3)));
}

#[test]
fn a_gap_between_entries_drops_the_link() {
    for event in [
        append(position(3, 1), &[2]),
        append(position(0, 0), &[2]),
        append(position(0, 0), &[1, 3]),
    ] {
        let mut node = linked_to_home();
        let effects = handle(&mut node, event);
        assert!(drops_home(&effects), "{effects:?}");
    }
}

#[test]
fn a_log_that_is_not_a_prefix_of_homes_drops_the_link() {
    let mut node = linked_to_home();
    handle(&mut node, append(position(0, 0), &[1]));
    let effects = handle(&mut node, append(position(2, 1), &[2]));
    assert!(drops_home(&effects), "{effects:?}");
}

#[test]
fn an_entry_of_a_view_that_is_yet_to_come_drops_the_link() {
    let mut node = linked_to_home();
    let entries = vec![entry(position(3, 1)), entry(position(4, 2))];
    let append = Data::Append { previous: Position::ZERO, entries };
    let effects = handle(&mut node, data(view(0, 3, both(0)), append));
    assert!(drops_home(&effects), "{effects:?}");
}

#[test]
fn a_stranger_is_not_taken_for_home() {
    let mut node = node(view(1, 3, both(1)), view(0, 3, both(0)));
    let hello = HomeHello {
        node: ids()[2].clone(),
        incarnation: incarnation(2),
        boot: Boot { count: 1, nonce: Uuid::from_u128(7) },
        cluster: CLUSTER,
        partition: PartitionId(0),
        to: (ids()[1].clone(), incarnation(1)),
    };
    let effects = handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello });
    assert!(drops_home(&effects), "{effects:?}");
}

#[test]
fn a_snapshot_for_a_copy_in_sync_drops_the_link() {
    let mut node = linked_to_home();
    let effects = handle(&mut node, data(view(0, 3, both(0)), Data::Install { base: None }));
    assert!(drops_home(&effects), "{effects:?}");
    let writes = effects.iter().any(|effect| matches!(effect, NodeEffect::Write { .. }));
    assert!(!writes, "{effects:?}");
}

#[test]
fn rows_without_a_snapshot_drop_the_link() {
    let mut node = linked_to_home();
    let rows = Rows::Records(Vec::new());
    let effects =
        handle(&mut node, data(view(0, 4, home_only(0)), Data::Chunk { rows, then: None }));
    assert!(drops_home(&effects), "{effects:?}");
}

#[test]
fn data_of_another_session_is_not_used() {
    let mut node = linked_to_home();
    let NodeEvent::NeighbourSays { from, link, message } = append(position(0, 0), &[1]) else {
        unreachable!("made above")
    };
    let CopyMessage::Data { view, data, .. } = message else { unreachable!("made above") };
    let message = CopyMessage::Data { session: 7, view, data };
    assert_eq!(handle(&mut node, NodeEvent::NeighbourSays { from, link, message }), []);
}

#[test]
fn a_node_whose_disk_answers_nothing_says_so_after_a_second_and_ends_at_its_deadline() {
    let mut node = node(view(1, 2, both(1)), view(0, 2, both(0)));
    // The node writes a view, and no sync returns.
    handle(&mut node, from_gateway(ToNode::View(view(0, 3, both(0)))));
    let at = |node: &mut Node, ms| {
        let mut effects = Vec::new();
        let now = Time::at(Duration::from_millis(ms));
        node.handle(now, NodeEvent::Tick, &Shelf::default(), &mut effects);
        effects
    };
    let says = |effects: &[NodeEffect], state| {
        let message = FromNode::Disk(state);
        effects.contains(&NodeEffect::ToGateway { link: GATEWAY, message })
    };
    let limit = NodeSettings::default().disk_deadline;
    let is_end = |effect: &NodeEffect| *effect == NodeEffect::Stop(StopReason::DiskSilent(limit));
    assert!(!says(&at(&mut node, 999), DiskState::Silent));
    assert!(says(&at(&mut node, 1_000), DiskState::Silent));
    let limit_ms = u64::try_from(limit.as_millis()).unwrap();
    for ms in (2_000..limit_ms).step_by(1_000).chain([limit_ms - 1]) {
        assert!(!at(&mut node, ms).iter().any(is_end));
    }
    assert!(at(&mut node, limit_ms).iter().any(is_end));
    assert!(!at(&mut node, limit_ms + 1).iter().any(is_end), "it is told once");
}
