//! The state of a cluster, derived from the events seen. Checks judge the next event by it.

mod follow;
mod node;
mod roles;

use std::collections::BTreeMap;

use protocol::id::{Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, RequestId, Seq};
use protocol::message::{CallId, Condition, Progress};
use protocol::view::{InSync, Member, View};
use ring_core::placement::{Place, Ring};

use crate::seen::Moment;

pub use self::node::{CopyModel, NodeModel, SnapshotModel, Stages};
pub use self::roles::{has_primary, named, reader, sole, source};

/// The known state of a cluster.
#[derive(Debug)]
pub struct Model {
    /// The nodes, in the order of the ring.
    pub ring: Ring,
    /// The gateway started last.
    pub gateway: Option<GatewayBoot>,
    /// The view published last by a gateway, for each partition.
    pub published: BTreeMap<PartitionId, View>,
    /// The views decided and not yet published.
    pub deciding: BTreeMap<PartitionId, View>,
    /// The views in the controller's file.
    pub saved: BTreeMap<PartitionId, View>,
    /// Every view ever published.
    pub views: BTreeMap<(PartitionId, Epoch), View>,
    /// The links of nodes to gateways.
    pub links: BTreeMap<(GatewayBoot, u64), LinkedNode>,
    /// The nodes, by place.
    pub nodes: Vec<NodeModel>,
    /// For each copy of a node, the last entry that the gateway heard to be durable while the
    /// copy was whole.
    pub heard: BTreeMap<(Place, Member), Seq>,
    /// The requests sent by gateways.
    pub calls: BTreeMap<(GatewayBoot, CallId), Call>,
}

/// A copy of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CopyId {
    /// The partition.
    pub partition: PartitionId,
    /// The member that it is of the partition.
    pub member: Member,
}

impl CopyId {
    /// The other copy of the partition.
    #[must_use]
    pub fn other(self) -> Self {
        Self { member: self.member.other(), ..self }
    }
}

/// The copies of a partition.
pub fn copies_of(partition: PartitionId) -> impl Iterator<Item = CopyId> {
    Member::ALL.into_iter().map(move |member| CopyId { partition, member })
}

/// A link of a node to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedNode {
    /// The place of the linked node.
    pub place: Place,
    /// The data of the linked node.
    pub incarnation: Incarnation,
}

/// A request sent by a gateway to a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When the request was sent.
    pub at: Moment,
    /// The node with the copy.
    pub node: NodeId,
    /// The partition.
    pub partition: PartitionId,
    /// The copy.
    pub member: Member,
    /// The epoch of its view.
    pub epoch: Epoch,
    /// The id of an update; none for a read.
    pub request: Option<RequestId>,
}

impl Model {
    /// A cluster without any event yet.
    pub fn new(ring: Ring) -> Self {
        Self {
            nodes: vec![NodeModel::default(); ring.size()],
            ring,
            gateway: None,
            published: BTreeMap::new(),
            deciding: BTreeMap::new(),
            saved: BTreeMap::new(),
            views: BTreeMap::new(),
            links: BTreeMap::new(),
            heard: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    /// All partitions of the ring.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        self.ring.places().map(Place::partition)
    }

    /// All copies of the cluster.
    pub fn copies(&self) -> impl Iterator<Item = CopyId> + use<> {
        self.partitions().flat_map(copies_of)
    }

    /// A copy of a node; none if no node has this place.
    pub fn copy_at(&self, place: usize, member: Member) -> Option<CopyId> {
        let place = self.ring.places().nth(place)?;
        Some(CopyId { partition: self.ring.partition_at(place, member), member })
    }

    /// The place of the node with a copy.
    pub fn place_of(&self, copy: CopyId) -> usize {
        self.ring.holder(copy.partition, copy.member).index()
    }

    /// The node with a copy.
    pub fn holder(&self, partition: PartitionId, member: Member) -> &NodeModel {
        &self.nodes[self.ring.holder(partition, member).index()]
    }

    /// The state of a copy.
    pub fn copy(&self, partition: PartitionId, member: Member) -> &CopyModel {
        self.holder(partition, member).copy(member)
    }

    /// A node by its id; none if it is not part of the ring.
    pub fn node(&self, id: &NodeId) -> Option<&NodeModel> {
        Some(&self.nodes[self.ring.place_of(id)?.index()])
    }

    /// Whether a node has a link to the gateway.
    pub fn is_linked(&self, gateway: GatewayBoot, place: Place) -> bool {
        let of_gateway = (gateway, u64::MIN)..=(gateway, u64::MAX);
        self.links.range(of_gateway).any(|(_, linked)| linked.place == place)
    }

    /// Whether a node has a link to the gateway started last. With a forked gateway this says
    /// little.
    pub fn is_linked_now(&self, place: usize) -> bool {
        let link = self.gateway.zip(self.ring.places().nth(place));
        link.is_some_and(|(gateway, place)| self.is_linked(gateway, place))
    }

    /// The request that a node answers by this call.
    pub fn call(&self, node: &NodeId, call: CallId) -> Option<&Call> {
        let joined = self.node(node)?.joined?;
        self.calls.get(&(joined, call)).filter(|called| called.node == *node)
    }

    /// Whether every view is *both*, every copy acts on its view, and the copies of each
    /// partition are level.
    pub fn is_whole(&self) -> bool {
        self.partitions().all(|partition| self.is_both_and_level(partition))
    }

    /// Whether the view of a partition is *both*.
    pub fn is_both(&self, partition: PartitionId) -> bool {
        let view = self.published.get(&partition);
        view.is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }))
    }

    /// Whether updates of a partition are turned away until its home is restored.
    pub fn has_no_primary(&self, partition: PartitionId) -> bool {
        self.published.get(&partition).is_some_and(|view| !has_primary(view.in_sync))
    }

    /// Whether the view of a partition is *both*, both copies act on it, and they are level.
    pub fn is_both_and_level(&self, partition: PartitionId) -> bool {
        let is_both = |view: &&View| matches!(view.in_sync, InSync::Both { .. });
        let Some(view) = self.published.get(&partition).filter(is_both) else { return false };
        let idle = |member| {
            let copy = self.copy(partition, member);
            let is_whole = |progress: Progress| progress.condition == Condition::Whole;
            copy.acting == Some(*view)
                && is_idle(copy.progress.as_ref())
                && copy.progress.is_some_and(is_whole)
        };
        let written =
            |member| self.copy(partition, member).progress.map(|progress| progress.written);
        !self.deciding.contains_key(&partition)
            && idle(Member::Home)
            && idle(Member::Next)
            && written(Member::Home) == written(Member::Next)
    }
}

/// Whether all written entries of a copy are committed.
fn is_idle(progress: Option<&Progress>) -> bool {
    progress.is_some_and(|progress| {
        progress.written.seq == progress.durable && progress.durable == progress.committed
    })
}
