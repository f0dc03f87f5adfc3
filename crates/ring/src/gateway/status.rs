//! A gateway's knowledge of its cluster. [`problems`] names the problems in words for an
//! operator.

mod problems;

use protocol::id::{ClusterId, Incarnation, NodeId, PartitionId, Position, Seq};
use protocol::message::{Condition, Verdict};
use protocol::salvage::Salvage;
use protocol::view::{Member, View};

use super::controller::Controller;
use crate::placement::Place;
use crate::time::Time;

/// The gateway's knowledge of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The cluster's id; none before the cluster is formed.
    pub cluster: Option<ClusterId>,
    /// Whether every partition can be read and updated, with both copies in sync.
    pub healthy: bool,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeOverview>,
    /// The partitions, in order.
    pub partitions: Vec<PartitionOverview>,
}

/// The gateway's knowledge of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeOverview {
    /// Its id.
    pub id: NodeId,
    /// Whether the node is linked and welcomed.
    pub linked: bool,
    /// The address for its predecessor.
    pub address: Option<String>,
    /// Its incarnation.
    pub incarnation: Option<Incarnation>,
    /// The number of its starts.
    pub boots: Option<u64>,
    /// The reason it gave when it ended, until it is linked again.
    pub last_words: Option<String>,
}

/// The gateway's knowledge of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOverview {
    /// The partition.
    pub partition: PartitionId,
    /// Its view; none before the cluster is formed, or while the view is lost and not rebuilt.
    pub view: Option<View>,
    /// Its home copy.
    pub home: CopyOverview,
    /// Its next copy.
    pub next: CopyOverview,
    /// The number of entries not yet durable at next, as far as both copies have reported.
    pub lag_entries: Option<u64>,
    /// The verdict of the last comparison of both copies; none if they were never compared.
    pub compared: Option<Verdict>,
    /// The unreadable records dropped after an operator's last accepted loss.
    pub salvage: Option<Salvage>,
    /// Why the partition cannot be read or updated, or has no second copy. Empty if all is well.
    pub problems: Vec<String>,
}

/// The gateway's knowledge of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOverview {
    /// The node of the copy.
    pub node: NodeId,
    /// Whether the view contains the copy.
    pub in_sync: bool,
    /// Its last entry.
    pub position: Option<Position>,
    /// The last entry durable there.
    pub durable: Option<Seq>,
    /// The last entry committed there.
    pub committed: Option<Seq>,
    /// The condition of the copy, as far as its node has reported.
    pub condition: Option<Condition>,
}

/// Describes the controller's knowledge at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reporter<'a> {
    pub(super) controller: &'a Controller,
    pub(super) now: Time,
}

impl Reporter<'_> {
    /// The overview of the cluster.
    pub(super) fn overview(self) -> Overview {
        let ring = self.controller.ring();
        let partitions = ring.places().map(|place| self.partition_overview(place.partition()));
        let partitions = partitions.collect::<Vec<_>>();
        Overview {
            cluster: self.controller.state().map(|state| state.cluster),
            healthy: partitions.iter().all(|partition| partition.problems.is_empty()),
            nodes: ring.places().map(|place| self.node_overview(place)).collect(),
            partitions,
        }
    }

    fn node_overview(&self, place: Place) -> NodeOverview {
        let id = self.controller.ring().node_at(place).clone();
        let linked = self.controller.nodes().linked(place);
        let known = self.controller.state().and_then(|state| state.incarnation_of(&id));
        NodeOverview {
            id,
            linked: self.is_up(place),
            address: linked.map(|linked| linked.hello.address.clone()),
            incarnation: linked.map(|linked| linked.hello.incarnation).or(known),
            boots: linked.map(|linked| linked.hello.boot.count),
            last_words: self.controller.nodes().last_words(place).map(str::to_owned),
        }
    }

    fn partition_overview(&self, partition: PartitionId) -> PartitionOverview {
        let view = self.controller.state().and_then(|state| state.view(partition)).copied();
        let home = self.copy_overview(partition, Member::Home, view.as_ref());
        let next = self.copy_overview(partition, Member::Next, view.as_ref());
        let lag = home.durable.zip(next.durable);
        PartitionOverview {
            partition,
            view,
            lag_entries: lag.map(|(home, next)| home.0.saturating_sub(next.0)),
            compared: self.compared(partition),
            salvage: view.and_then(|view| self.controller.copies().salvage(&view)).cloned(),
            problems: self.problems(partition, view.as_ref()),
            home,
            next,
        }
    }

    /// The verdict of the last comparison: the worse of the two copies' verdicts.
    fn compared(&self, partition: PartitionId) -> Option<Verdict> {
        let ring = self.controller.ring();
        let of = |member| self.controller.nodes().compared(ring.holder(partition, member), member);
        let verdicts = Member::ALL.into_iter().filter_map(of);
        verdicts.reduce(|one, other| if other == Verdict::Different { other } else { one })
    }

    fn copy_overview(
        &self,
        partition: PartitionId,
        member: Member,
        view: Option<&View>,
    ) -> CopyOverview {
        let place = self.controller.ring().holder(partition, member);
        let progress = self.controller.nodes().progress(place, member);
        CopyOverview {
            node: self.controller.ring().node_at(place).clone(),
            in_sync: view.is_some_and(|view| view.in_sync.incarnation(member).is_some()),
            position: progress.map(|progress| progress.written),
            durable: progress.map(|progress| progress.durable),
            committed: progress.map(|progress| progress.committed),
            condition: self.controller.nodes().linked(place).map(|linked| linked.condition(member)),
        }
    }

    fn is_up(&self, place: Place) -> bool {
        self.controller.nodes().linked(place).is_some_and(|linked| linked.is_welcomed)
    }
}
