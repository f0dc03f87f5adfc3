//! Small worlds for the tests.

use std::collections::VecDeque;

use protocol::hello::{Membership, NodeHello};
use protocol::id::{Boot, ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId};
use protocol::message::{Operation, ToNode, Welcome};
use protocol::user::UserId;
use protocol::view::{InSync, View};
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeIdentity, NodeSettings};
use ring_core::placement::Ring;
use ring_core::store::{Mark, Recovered, StoredRows};
use ring_core::time::Time;
use uuid::Uuid;

use crate::shelf::Shelf;

pub(crate) const GATEWAY: LinkId = LinkId(1);
pub(crate) const HOME: LinkId = LinkId(2);
pub(crate) const BOOT: GatewayBoot = GatewayBoot(Uuid::from_u128(1));
pub(crate) const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(2));

pub(crate) fn ids() -> Vec<NodeId> {
    (0..3).map(|i| format!("db-{i}").parse().expect("an id")).collect()
}

pub(crate) fn ring() -> Ring {
    Ring::new(ids()).expect("three nodes")
}

pub(crate) fn incarnation(node: u128) -> Incarnation {
    Incarnation(Uuid::from_u128(100 + node))
}

pub(crate) fn hello(node: u8) -> NodeHello {
    NodeHello {
        node: ids()[usize::from(node)].clone(),
        incarnation: incarnation(u128::from(node)),
        boot: Boot { count: 1, nonce: Uuid::from_u128(7) },
        address: format!("host-{node}:1"),
        membership: Some(Membership { cluster: CLUSTER, ring: ids() }),
    }
}

pub(crate) fn view(partition: u16, epoch: u64, in_sync: InSync) -> View {
    View {
        partition: PartitionId(partition),
        epoch: Epoch(epoch),
        in_sync,
        decided_by: BOOT,
        accepted_loss: None,
    }
}

pub(crate) fn both(partition: u16) -> InSync {
    let home = u128::from(partition);
    InSync::Both { home: incarnation(home), next: incarnation((home + 1) % 3) }
}

pub(crate) fn home_only(partition: u16) -> InSync {
    InSync::HomeOnly { home: incarnation(u128::from(partition)) }
}

/// A user of the partition.
pub(crate) fn user_of(partition: u16) -> UserId {
    let users = (0..1000).map(|i| format!("user-{i}").parse::<UserId>().expect("an id"));
    let mut users = users.filter(|user| ring().partition_of(user) == PartitionId(partition));
    users.next().expect("users spread over all partitions")
}

pub(crate) fn read_of(partition: u16) -> Operation {
    Operation::Read(user_of(partition))
}

/// Node db-1, welcomed: the home of P1 and the next of P0.
pub(crate) fn node(view_of_home: View, view_of_next: View) -> Node {
    let mut node = recovered(Recovered::default());
    welcome(&mut node, vec![view_of_home, view_of_next]);
    node
}

/// Node db-1, started from its storage.
pub(crate) fn recovered(recovered: Recovered) -> Node {
    // The node keeps no more of its log than necessary.
    recovered_keeping(0, recovered)
}

/// Node db-1, started from its storage. It keeps this number of log entries.
pub(crate) fn recovered_keeping(log_entries_kept: u64, recovered: Recovered) -> Node {
    let identity = NodeIdentity {
        node: ids()[1].clone(),
        incarnation: incarnation(1),
        boot: Boot { count: 1, nonce: Uuid::from_u128(7) },
        address: "host-1:1".to_owned(),
    };
    let settings = NodeSettings { log_entries_kept, ..NodeSettings::default() };
    Node::recovered(identity, settings, recovered, Time::ZERO).expect("it has a place")
}

/// The node links, is welcomed with these views, and stores them.
pub(crate) fn welcome(node: &mut Node, views: Vec<View>) {
    let welcome = Welcome {
        cluster: CLUSTER,
        ring: ids(),
        gateway_boot: BOOT,
        views,
        next: None,
        home_is_linked: false,
    };
    handle(node, NodeEvent::GatewayLinked { link: GATEWAY });
    let effects = handle(node, from_gateway(ToNode::Welcome(welcome)));
    let marks = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mark, .. } => Some(*mark),
        _ => None,
    });
    let mark = marks.max().unwrap_or(Mark(0));
    handle(node, NodeEvent::Synced { mark });
}

pub(crate) fn from_gateway(message: ToNode) -> NodeEvent {
    NodeEvent::GatewaySays { link: GATEWAY, message }
}

pub(crate) fn handle(node: &mut Node, event: NodeEvent) -> Vec<NodeEffect> {
    handle_with(node, &Shelf::default(), event)
}

/// Handles an event, and carries out its reads at once.
pub(crate) fn handle_with(node: &mut Node, stored: &Shelf, event: NodeEvent) -> Vec<NodeEffect> {
    let (mut events, mut carried_out) = (VecDeque::from([event]), Vec::new());
    while let Some(event) = events.pop_front() {
        let mut effects = Vec::new();
        node.handle(Time::ZERO, event, stored, &mut effects);
        for effect in effects {
            match effect {
                NodeEffect::Read { read, member, what } => {
                    let result = stored.read(member, &what);
                    events.push_back(NodeEvent::Read { read, member, result });
                }
                effect => carried_out.push(effect),
            }
        }
    }
    carried_out
}
