//! A gateway's guards.

use std::time::Duration;

use protocol::id::{ClusterId, Epoch, GatewayBoot, PartitionId};
use protocol::message::{Ask, AskNumber, FromNode, Operation, Report, Request, ToNode};
use protocol::refusal::RefusalCode;
use protocol::view::{InSync, Member};
use ring::controller::{ClusterState, NodeState};
use ring::gateway::{Gateway, GatewayEffect, GatewayEvent, GatewaySettings};
use ring::link::LinkId;
use ring::router::{ClientRequest, Ticket};
use ring::time::Time;
use uuid::Uuid;

use crate::support::{
    BOOT, CLUSTER, both, hello, home_only, ids, incarnation, ring, user_of, view,
};

const AFTER_GRACE: Time = Time::at(Duration::from_secs(60));

fn link(node: u8) -> LinkId {
    LinkId(u64::from(node) + 10)
}

/// A gateway with the views given, all of its nodes linked and welcomed.
fn gateway(in_sync: [(u64, InSync); 3]) -> Gateway {
    let nodes = ids()
        .into_iter()
        .zip(0..)
        .map(|(id, i)| NodeState { id, incarnation: Some(incarnation(i)), boots: 0 })
        .collect();
    let views = (0..)
        .zip(in_sync)
        .map(|(partition, (epoch, in_sync))| Some(view(partition, epoch, in_sync)))
        .collect();
    let boot = GatewayBoot(Uuid::from_u128(50));
    let saved = ClusterState { cluster: CLUSTER, boot: BOOT, nodes, views };
    let new_cluster = ClusterId(Uuid::from_u128(51));
    let settings = GatewaySettings::default();
    let mut gateway =
        Gateway::recovered(ring(), boot, new_cluster, Some(saved), &settings, Time::ZERO).unwrap();
    for node in 0..3 {
        let linked = GatewayEvent::NodeLinked { link: link(node), hello: hello(node) };
        gateway.handle(Time::ZERO, linked, &mut Vec::new());
        // What there is to save (the new boot, the node's start) is saved before anyone is welcomed.
        gateway.handle(Time::ZERO, reports(node, Report::default()), &mut Vec::new());
        while gateway.is_saving() {
            gateway.handle(Time::ZERO, GatewayEvent::Saved, &mut Vec::new());
        }
    }
    gateway
}

fn reports(node: u8, report: Report) -> GatewayEvent {
    GatewayEvent::NodeSays { link: link(node), message: FromNode::Report(report) }
}

fn handle(gateway: &mut Gateway, event: GatewayEvent) -> Vec<GatewayEffect> {
    let mut effects = Vec::new();
    gateway.handle(AFTER_GRACE, event, &mut effects);
    effects
}

fn ask(node: u8, partition: u16, epoch: u64) -> GatewayEvent {
    let joiner = incarnation((u128::from(partition) + 1) % 3);
    let ask =
        Ask { ask: AskNumber(1), partition: PartitionId(partition), epoch: Epoch(epoch), joiner };
    GatewayEvent::NodeSays { link: link(node), message: FromNode::Ask(ask) }
}

fn saved(effects: &[GatewayEffect]) -> Option<&ClusterState> {
    effects.iter().find_map(|effect| match effect {
        GatewayEffect::Save(state) => Some(state),
        _ => None,
    })
}

fn sent_to(effects: &[GatewayEffect], node: u8) -> Vec<&ToNode> {
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
    // Something else is being saved, so the ask has to wait.
    let unreachable = FromNode::NextUnreachable { partition: PartitionId(1), epoch: Epoch(1) };
    let effects =
        handle(&mut gateway, GatewayEvent::NodeSays { link: link(1), message: unreachable });
    assert!(saved(&effects).is_some());
    handle(&mut gateway, ask(0, 0, 4));
    // Home connects again meanwhile: the welcome on the new link ends the ask.
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
    let refusal = |gateway: &ring::gateway::Gateway,
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
