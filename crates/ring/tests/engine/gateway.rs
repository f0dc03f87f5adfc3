//! A gateway's guards.

use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, Epoch, GatewayBoot, PartitionId, Position, Seq};
use protocol::message::{
    Ask, AskNumber, Condition, CopyReport, FromNode, Operation, ProbeNumber, Progress, Report,
    Request, ToNode,
};
use protocol::refusal::RefusalCode;
use protocol::view::{InSync, Member};
use ring_core::gateway::{
    AcceptLossError, ClientRequest, ClusterState, Gateway, GatewayEffect, GatewayEvent,
    GatewaySettings, NodeState, Outcome, Ticket, Unavailable,
};
use ring_core::link::LinkId;
use ring_core::time::Time;
use uuid::Uuid;

use crate::support::{
    BOOT, CLUSTER, both, hello, home_only, ids, incarnation, ring, user_of, view,
};

pub(crate) const AFTER_GRACE: Time = Time::at(Duration::from_secs(60));

pub(crate) fn link(node: u8) -> LinkId {
    LinkId(u64::from(node) + 10)
}

/// A gateway with all views *both*, and all nodes linked and welcomed.
pub(crate) fn ring_of_both() -> Gateway {
    gateway([(1, both(0)), (1, both(1)), (1, both(2))])
}

/// A gateway with the given views, and all nodes linked and welcomed.
pub(crate) fn gateway(in_sync: [(u64, InSync); 3]) -> Gateway {
    let nodes = ids()
        .into_iter()
        .zip(0..)
        .map(|(id, i)| NodeState { id, incarnation: Some(incarnation(i)), boots: 0 })
        .collect();
    let views = (0..)
        .zip(in_sync)
        .map(|(partition, (epoch, in_sync))| Some(view(partition, epoch, in_sync)))
        .collect();
    let mut gateway = recovered(Some(ClusterState { cluster: CLUSTER, boot: BOOT, nodes, views }));
    for node in 0..3 {
        comes(&mut gateway, node, Report::default());
    }
    passes(&mut gateway, Time::ZERO, AFTER_GRACE);
    gateway
}

/// Time passes in short steps, so the gateway does not stand still.
pub(crate) fn passes(gateway: &mut Gateway, mut from: Time, to: Time) {
    while from < to {
        from = from + Duration::from_millis(500);
        gateway.handle(from, GatewayEvent::Tick, &mut Vec::new());
    }
}

/// A gateway started from its saved state.
fn recovered(saved: Option<ClusterState>) -> Gateway {
    let boot = GatewayBoot(Uuid::from_u128(50));
    let new_cluster = ClusterId(Uuid::from_u128(51));
    let settings = GatewaySettings::default();
    Gateway::recovered(ring(), boot, new_cluster, saved, &settings, Time::ZERO).unwrap()
}

/// A node links, reports, and is welcomed.
fn comes(gateway: &mut Gateway, node: u8, report: Report) {
    let linked = GatewayEvent::NodeLinked { link: link(node), hello: hello(node) };
    gateway.handle(Time::ZERO, linked, &mut Vec::new());
    // The gateway saves the new boot and the node's start before it welcomes any node.
    gateway.handle(Time::ZERO, reports(node, report), &mut Vec::new());
    while gateway.is_saving() {
        gateway.handle(Time::ZERO, GatewayEvent::Saved, &mut Vec::new());
    }
}

pub(crate) fn reports(node: u8, report: Report) -> GatewayEvent {
    GatewayEvent::NodeSays { link: link(node), message: FromNode::Report(report) }
}

/// Handles an event after the grace period. Linked nodes answer probes at once.
pub(crate) fn handle(gateway: &mut Gateway, event: GatewayEvent) -> Vec<GatewayEffect> {
    handle_at(gateway, AFTER_GRACE, event)
}

/// Handles an event. Linked nodes answer probes at once.
pub(crate) fn handle_at(
    gateway: &mut Gateway,
    now: Time,
    event: GatewayEvent,
) -> Vec<GatewayEffect> {
    let mut effects = unanswered(gateway, now, event);
    while let Some((link, probe)) = take_probe(&mut effects) {
        gateway.handle(now, answers(link, probe), &mut effects);
    }
    effects
}

/// Handles an event. No node answers a probe.
pub(crate) fn unanswered(
    gateway: &mut Gateway,
    now: Time,
    event: GatewayEvent,
) -> Vec<GatewayEffect> {
    let mut effects = Vec::new();
    gateway.handle(now, event, &mut effects);
    effects
}

/// An operator goes on with a node's copy of P0. Returns the answer and the other effects.
pub(crate) fn accept_loss(
    gateway: &mut Gateway,
    node: &str,
) -> (Result<(), AcceptLossError>, Vec<GatewayEffect>) {
    let (partition, node) = (PartitionId(0), node.parse().unwrap());
    let mut effects =
        unanswered(gateway, AFTER_GRACE, GatewayEvent::AcceptLoss { partition, node });
    match effects.remove(0) {
        GatewayEffect::LossAccepted(accepted) => (accepted, effects),
        other => panic!("no answer: {other:?}"),
    }
}

/// Removes the first probe from the effects.
pub(crate) fn take_probe(effects: &mut Vec<GatewayEffect>) -> Option<(LinkId, ProbeNumber)> {
    let probe = effects.iter().position(|effect| matches!(effect, GatewayEffect::Send { message, .. } if matches!(**message, ToNode::Probe(_))))?;
    match effects.remove(probe) {
        GatewayEffect::Send { link, message } => match *message {
            ToNode::Probe(probe) => Some((link, probe)),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn answers(link: LinkId, probe: ProbeNumber) -> GatewayEvent {
    GatewayEvent::NodeSays { link, message: FromNode::Alive(probe) }
}

pub(crate) fn ask(node: u8, partition: u16, epoch: u64) -> GatewayEvent {
    let joiner = incarnation((u128::from(partition) + 1) % 3);
    let ask =
        Ask { ask: AskNumber(1), partition: PartitionId(partition), epoch: Epoch(epoch), joiner };
    GatewayEvent::NodeSays { link: link(node), message: FromNode::Ask(ask) }
}

/// Saves every decided state until the gateway decides nothing more. Returns the effects
/// meanwhile.
pub(crate) fn settle(gateway: &mut Gateway) -> Vec<GatewayEffect> {
    let mut effects = Vec::new();
    while gateway.is_saving() {
        effects.extend(handle(gateway, GatewayEvent::Saved));
    }
    effects
}

/// The copies in sync of a partition, as published.
pub(crate) fn in_sync(gateway: &Gateway, partition: u16) -> InSync {
    let view = gateway.state().and_then(|state| state.view(PartitionId(partition)));
    view.expect("the view is known").in_sync
}

fn saved(effects: &[GatewayEffect]) -> Option<&ClusterState> {
    effects.iter().find_map(|effect| match effect {
        GatewayEffect::Save(state) => Some(state),
        _ => None,
    })
}

pub(crate) fn sent_to(effects: &[GatewayEffect], node: u8) -> Vec<&ToNode> {
    let sent = effects.iter().filter_map(|effect| match effect {
        GatewayEffect::Send { link: to, message } if *to == link(node) => Some(&**message),
        _ => None,
    });
    sent.collect()
}

#[test]
fn an_ask_of_the_views_epoch_expands_it_by_one() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    let effects = handle(&mut gateway, ask(0, 0, 4));
    let view = saved(&effects)
        .and_then(|state| state.view(PartitionId(0)))
        .copied()
        .expect("it is decided");
    assert_eq!((view.epoch, view.in_sync), (Epoch(5), both(0)));
    assert!(sent_to(&effects, 0).is_empty(), "nothing is said before it is saved: {effects:?}");
    let effects = handle(&mut gateway, GatewayEvent::Saved);
    assert_eq!(sent_to(&effects, 0), [&ToNode::View(view)]);
    assert_eq!(sent_to(&effects, 1), [&ToNode::View(view)]);
}

#[test]
fn an_ask_of_another_epoch_is_not_heard() {
    for epoch in [3, 5] {
        let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
        assert_eq!(handle(&mut gateway, ask(0, 0, epoch)), []);
    }
}

#[test]
fn an_ask_for_a_joiner_that_is_not_linked_is_refused() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    let effects = handle(&mut gateway, ask(0, 0, 4));
    let refused = ToNode::AskRefused { partition: PartitionId(0), ask: AskNumber(1) };
    assert_eq!(sent_to(&effects, 0), [&refused]);
    assert_eq!(saved(&effects), None);
}

#[test]
fn an_ask_that_came_over_a_link_that_is_gone_is_not_heard() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    // The gateway is saving another change, so the ask has to wait.
    let unreachable = FromNode::NextUnreachable { partition: PartitionId(1), epoch: Epoch(1) };
    let effects =
        handle(&mut gateway, GatewayEvent::NodeSays { link: link(1), message: unreachable });
    assert!(saved(&effects).is_some());
    handle(&mut gateway, ask(0, 0, 4));
    // Home connects again meanwhile. The welcome on the new link ends the ask.
    handle(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(0) });
    let effects = handle(&mut gateway, GatewayEvent::Saved);
    assert_eq!(saved(&effects), None, "the ask must not be granted any more");
}

#[test]
fn only_the_home_of_a_partition_asks_for_it() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    let effects = handle(&mut gateway, ask(2, 0, 4));
    let decided = saved(&effects).and_then(|state| state.view(PartitionId(0)));
    assert!(decided.is_none_or(|view| view.in_sync == home_only(0)), "{decided:?}");
    assert!(effects.iter().any(
        |effect| matches!(effect, GatewayEffect::Drop { link: dropped, .. } if *dropped == link(2))
    ));
}

#[test]
fn a_view_shrinks_only_in_favour_of_a_home_that_is_linked() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    // db-2, the next of P1 and the home of P2, is lost: P1 shrinks, P2 does not.
    let effects = handle(&mut gateway, GatewayEvent::NodeLost { link: link(2) });
    let state = saved(&effects).expect("P1 shrinks");
    assert_eq!(
        state.known_views().map(|view| view.in_sync).collect::<Vec<_>>(),
        [both(0), home_only(1), both(2)]
    );
}

#[test]
fn a_read_under_way_moves_to_the_reader_of_the_new_view() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let request = ClientRequest::Read(user_of(0));
    let time_allowed = Duration::from_secs(5);
    let effects =
        handle(&mut gateway, GatewayEvent::Submit { ticket: Ticket(1), request, time_allowed });
    assert!(
        matches!(sent_to(&effects, 1)[..], [ToNode::Request(_)]),
        "it goes to next: {effects:?}"
    );
    let unreachable = FromNode::NextUnreachable { partition: PartitionId(0), epoch: Epoch(1) };
    handle(&mut gateway, GatewayEvent::NodeSays { link: link(0), message: unreachable });
    let effects = handle(&mut gateway, GatewayEvent::Saved);
    let sent = sent_to(&effects, 0);
    assert!(matches!(sent[0], ToNode::View(_)), "the view goes ahead: {sent:?}");
    let ToNode::Request(Request {
        member: Member::Home,
        epoch: Epoch(2),
        operation: Operation::Read(_),
        ..
    }) = sent[1]
    else {
        panic!("the read follows at home: {sent:?}");
    };
}

#[test]
fn a_node_that_connects_again_replaces_its_link_and_shrinks_nothing() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let mut again = hello(1);
    again.boot.count = 2;
    let effects = handle(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: again });
    assert_eq!(saved(&effects), None);
    assert!(matches!(sent_to(&effects, 1)[..], [ToNode::Goodbye(_)]), "{effects:?}");
}

#[test]
fn each_node_that_does_not_belong_is_told_its_own_reason() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let refusal = |gateway: &ring_core::gateway::Gateway,
                   change: fn(&mut protocol::hello::NodeHello)| {
        let mut hello = hello(1);
        change(&mut hello);
        gateway.admit(&hello).expect_err("refused").code
    };
    let refused = |change| refusal(&gateway, change);
    assert_eq!(
        refused(|hello| hello.boot.nonce = Uuid::from_u128(8)),
        RefusalCode::ClonedDirectory
    );
    assert_eq!(refused(|hello| hello.boot.count = 0), RefusalCode::ClonedDirectory);
    let other_data = |hello: &mut protocol::hello::NodeHello| hello.incarnation = incarnation(9);
    assert_eq!(refused(other_data), RefusalCode::AlreadyConnected);
    assert_eq!(refused(|hello| hello.node = "db-9".parse().unwrap()), RefusalCode::UnknownNode);
    let foreign = |hello: &mut protocol::hello::NodeHello| {
        if let Some(membership) = &mut hello.membership {
            membership.cluster = ClusterId(Uuid::from_u128(77));
        }
    };
    assert_eq!(refused(foreign), RefusalCode::ForeignCluster);
    let other_ring = |hello: &mut protocol::hello::NodeHello| {
        if let Some(membership) = &mut hello.membership {
            membership.ring.reverse();
        }
    };
    assert_eq!(refused(other_ring), RefusalCode::OtherRing);

    handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    assert_eq!(refusal(&gateway, other_data), RefusalCode::LostData);
}

/// The hello of a node without its data: the same id, a new directory.
pub(crate) fn newborn(node: u8) -> NodeHello {
    NodeHello { incarnation: incarnation(50 + u128::from(node)), membership: None, ..hello(node) }
}

/// The decided views.
pub(crate) fn views(effects: &[GatewayEffect]) -> Vec<Option<InSync>> {
    let state = saved(effects).expect("something is decided");
    state.views.iter().map(|view| view.map(|view| view.in_sync)).collect()
}

/// db-0 comes back without its data.
pub(crate) fn comes_back_without_data(gateway: &mut Gateway) -> Vec<GatewayEffect> {
    handle(gateway, GatewayEvent::NodeLost { link: link(0) });
    while gateway.is_saving() {
        handle(gateway, GatewayEvent::Saved);
    }
    handle(gateway, GatewayEvent::NodeLinked { link: link(0), hello: newborn(0) });
    handle(gateway, reports(0, Report::default()))
}

#[test]
fn a_home_that_lost_its_data_is_dropped_before_its_welcome() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let mut effects = comes_back_without_data(&mut gateway);
    while gateway.is_saving() {
        assert_eq!(sent_to(&effects, 0), [] as [&ToNode; 0]);
        effects = handle(&mut gateway, GatewayEvent::Saved);
    }
    let [ToNode::Welcome(welcome)] = sent_to(&effects, 0)[..] else { panic!("{effects:?}") };
    // db-0 was the next of P2 too. The view of P2 shrank when db-0's link was lost.
    let next_only = InSync::NextOnly { next: incarnation(1) };
    let told = welcome.views.iter().map(|view| view.in_sync).collect::<Vec<_>>();
    assert_eq!(told, [next_only, home_only(2)]);
}

#[test]
fn a_view_does_not_shrink_in_favour_of_a_home_without_its_data() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    handle(&mut gateway, GatewayEvent::Saved);
    // db-0 is linked again, but has not reported yet, when next is lost.
    handle(&mut gateway, GatewayEvent::NodeLinked { link: link(0), hello: newborn(0) });
    let effects = handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    let decided = saved(&effects).and_then(|state| state.view(PartitionId(0)));
    assert!(decided.is_none_or(|view| view.in_sync == both(0)), "{decided:?}");
}

#[test]
fn a_home_that_was_never_heard_alone_gives_way_to_next_when_it_lost_its_data() {
    for is_heard in [false, true] {
        let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
        handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
        handle(&mut gateway, GatewayEvent::Saved);
        if is_heard {
            let message = FromNode::ServesAlone { partition: PartitionId(0), epoch: Epoch(2) };
            handle(&mut gateway, GatewayEvent::NodeSays { link: link(0), message });
        }
        comes_back_without_data(&mut gateway);
        settle(&mut gateway);
        assert_eq!(in_sync(&gateway, 0), home_only(0), "next is not there");
        handle(&mut gateway, GatewayEvent::NodeLinked { link: link(1), hello: hello(1) });
        handle(&mut gateway, reports(1, Report::default()));
        settle(&mut gateway);
        let expected =
            if is_heard { home_only(0) } else { InSync::NextOnly { next: incarnation(1) } };
        assert_eq!(in_sync(&gateway, 0), expected, "heard: {is_heard}");
    }
}

#[test]
fn a_lost_partition_is_unavailable_until_an_operator_decides() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    let (refused, _) = accept_loss(&mut gateway, "db-1");
    assert_eq!(refused, Err(AcceptLossError::NotLost(PartitionId(0))));
    comes_back_without_data(&mut gateway);
    handle(&mut gateway, GatewayEvent::Saved);

    let request = ClientRequest::Read(user_of(0));
    let time_allowed = Duration::from_secs(5);
    let submit = GatewayEvent::Submit { ticket: Ticket(1), request, time_allowed };
    let outcome = Outcome::NotDone(Unavailable::Lost);
    let ended = GatewayEffect::Complete { ticket: Ticket(1), outcome };
    assert_eq!(handle(&mut gateway, submit), [ended]);
    let problems = gateway.overview(AFTER_GRACE).partitions.swap_remove(0).problems;
    assert!(problems[0].contains("accept-loss --partition 0 --from db-1"), "{problems:?}");

    let (accepted, effects) = accept_loss(&mut gateway, "db-1");
    assert_eq!(accepted, Ok(()));
    let view = *saved(&effects).and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!(view.in_sync, InSync::NextOnly { next: incarnation(1) });
    assert_eq!((view.epoch, view.accepted_loss), (Epoch(1_000_004), Some(Epoch(1_000_004))));
}

/// The controller has lost its file, and an operator decides before next is back. Next knows the
/// view of a granted ask; home does not.
#[test]
fn what_a_copy_knows_that_was_away_does_not_undo_an_operators_decision() {
    let knows = |view| CopyReport { view: Some(view), ..CopyReport::default() };
    let mut gateway = recovered(None);
    let home = knows(view(0, 4, home_only(0)));
    comes(&mut gateway, 0, Report { home, ..Report::default() });
    assert_eq!(accept_loss(&mut gateway, "db-0").0, Ok(()));
    handle(&mut gateway, GatewayEvent::Saved);
    let next = knows(view(0, 5, both(0)));
    comes(&mut gateway, 1, Report { next, ..Report::default() });
    let published = *gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!((published.epoch, published.in_sync), (Epoch(1_000_004), home_only(0)));
}

#[test]
fn an_older_directory_of_a_node_is_refused_unless_a_view_counts_on_it() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    comes_back_without_data(&mut gateway);
    handle(&mut gateway, GatewayEvent::Saved);
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    assert_eq!(gateway.admit(&hello(0)), Ok(()), "the newest data of P0 is found");
    let other = NodeHello { incarnation: incarnation(60), ..hello(0) };
    assert_eq!(gateway.admit(&other).unwrap_err().code, RefusalCode::LostData);
}

#[test]
fn a_report_is_not_judged_by_what_was_heard_while_it_was_under_way() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    handle(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(1) });
    // Home commits more entries, and next has them by now. Next's report is older.
    let progress = Progress {
        partition: PartitionId(0),
        member: Member::Home,
        written: Position { epoch: Epoch(1), seq: Seq(9) },
        durable: Seq(9),
        committed: Seq(9),
        condition: Condition::Whole,
    };
    let message = FromNode::Progress(progress);
    handle(&mut gateway, GatewayEvent::NodeSays { link: link(0), message });
    let message = FromNode::Report(Report::default());
    let effects = handle(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message });
    let is_dropped = effects.iter().any(|effect| matches!(effect, GatewayEffect::Drop { .. }));
    assert!(!is_dropped, "{effects:?}");
}

#[test]
fn a_copy_in_sync_that_has_less_than_it_once_had_is_refused() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let progress = Progress {
        partition: PartitionId(0),
        member: Member::Home,
        written: Position { epoch: Epoch(1), seq: Seq(9) },
        durable: Seq(9),
        committed: Seq(7),
        condition: Condition::Whole,
    };
    let message = FromNode::Progress(progress);
    handle(&mut gateway, GatewayEvent::NodeSays { link: link(0), message });
    let report = |seq| {
        let position = Position { epoch: Epoch(1), seq: Seq(seq) };
        let copy = CopyReport { view: None, position, condition: Condition::Whole };
        Report { home: copy, next: copy }
    };
    // (the node, its reported position, whether it is admitted): home once had 9, and has
    // committed 7, so next must have 7.
    for (node, seq, is_let_in) in [(0, 8, false), (0, 9, true), (1, 6, false), (1, 7, true)] {
        handle(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(node) });
        let message = FromNode::Report(report(seq));
        let effects = handle(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message });
        let is_dropped = effects.iter().any(|effect| matches!(effect, GatewayEffect::Drop { .. }));
        assert_eq!(!is_dropped, is_let_in, "db-{node} at {seq}: {effects:?}");
        handle(&mut gateway, GatewayEvent::NodeLost { link: LinkId(99) });
        while gateway.is_saving() {
            handle(&mut gateway, GatewayEvent::Saved);
        }
        if node == 0 {
            // Home is linked again for the cases below.
            handle(&mut gateway, GatewayEvent::NodeLinked { link: link(0), hello: hello(0) });
            handle(&mut gateway, reports(0, report(9)));
            let message = FromNode::Progress(progress);
            handle(&mut gateway, GatewayEvent::NodeSays { link: link(0), message });
        }
    }
}
