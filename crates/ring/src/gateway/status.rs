//! What a gateway knows of its cluster, for people and their tools.

use protocol::id::{ClusterId, Incarnation, NodeId, PartitionId, Position, Seq};
use protocol::view::{Member, View};
use serde::{Deserialize, Serialize};

use super::Gateway;
use crate::controller::{Prospect, Service};
use crate::placement::Place;
use crate::time::Time;

/// What a gateway knows of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The cluster's id; none before it is formed.
    pub cluster: Option<ClusterId>,
    /// Whether every partition can be read and updated, with both copies in sync.
    pub healthy: bool,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeStatus>,
    /// The partitions, in order.
    pub partitions: Vec<PartitionStatus>,
}

/// What a gateway knows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeId,
    /// Whether it is linked and welcomed.
    pub linked: bool,
    /// Where it serves its predecessor.
    pub address: Option<String>,
    /// Its data.
    pub incarnation: Option<Incarnation>,
    /// How often it was started.
    pub boots: Option<u64>,
}

/// What a gateway knows of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionStatus {
    /// Which.
    pub partition: PartitionId,
    /// Its view; none before the cluster is formed.
    pub view: Option<View>,
    /// Its home copy.
    pub home: CopyStatus,
    /// Its next copy.
    pub next: CopyStatus,
    /// How many entries next has not made durable yet, as far as both have said.
    pub lag_entries: Option<u64>,
    /// Why it cannot be read or updated, or is without its second copy; empty if all is well.
    pub problems: Vec<String>,
}

/// What a gateway knows of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStatus {
    /// On which node.
    pub node: NodeId,
    /// Whether the view has it.
    pub in_sync: bool,
    /// Its last entry.
    pub position: Option<Position>,
    /// The last entry that is durable there.
    pub durable: Option<Seq>,
    /// The last entry that is committed there.
    pub committed: Option<Seq>,
    /// Whether it is being restored: a part of a snapshot is there.
    pub installing: bool,
}

impl Gateway {
    /// What the gateway knows of its cluster.
    pub fn status(&self, now: Time) -> ClusterStatus {
        let ring = self.controller.ring();
        let partitions = ring.places().map(|place| self.partition_status(now, place.partition()));
        let partitions = partitions.collect::<Vec<_>>();
        ClusterStatus {
            cluster: self.state().map(|state| state.cluster),
            healthy: partitions.iter().all(|partition| partition.problems.is_empty()),
            nodes: ring.places().map(|place| self.node_status(place)).collect(),
            partitions,
        }
    }

    fn node_status(&self, place: Place) -> NodeStatus {
        let id = self.controller.ring().node_at(place).clone();
        let linked = self.controller.linked(place);
        let known = self.state().and_then(|state| state.incarnation_of(&id));
        NodeStatus {
            id,
            linked: self.is_up(place),
            address: linked.map(|linked| linked.hello.address.clone()),
            incarnation: linked.map(|linked| linked.hello.incarnation).or(known),
            boots: linked.map(|linked| linked.hello.boot.count),
        }
    }

    fn partition_status(&self, now: Time, partition: PartitionId) -> PartitionStatus {
        let view = self.state().and_then(|state| state.view(partition)).copied();
        let home = self.copy_status(partition, Member::Home, view.as_ref());
        let next = self.copy_status(partition, Member::Next, view.as_ref());
        let lag = home.durable.zip(next.durable);
        PartitionStatus {
            partition,
            view,
            lag_entries: lag.map(|(home, next)| home.0.saturating_sub(next.0)),
            problems: self.problems(now, partition, view.as_ref()),
            home,
            next,
        }
    }

    fn copy_status(
        &self,
        partition: PartitionId,
        member: Member,
        view: Option<&View>,
    ) -> CopyStatus {
        let place = self.controller.ring().holder(partition, member);
        let progress = self.controller.progress(place, member);
        CopyStatus {
            node: self.controller.ring().node_at(place).clone(),
            in_sync: view.is_some_and(|view| view.in_sync.incarnation(member).is_some()),
            position: progress.map(|progress| progress.written),
            durable: progress.map(|progress| progress.durable),
            committed: progress.map(|progress| progress.committed),
            installing: progress.is_some_and(|progress| progress.is_installing),
        }
    }

    fn is_up(&self, place: Place) -> bool {
        self.controller.linked(place).is_some_and(|linked| linked.is_welcomed)
    }

    fn problems(&self, now: Time, partition: PartitionId, view: Option<&View>) -> Vec<String> {
        let Some(state) = self.state() else { return vec![self.why_not_formed()] };
        let Some(view) = view else { return vec![self.why_unknown(partition)] };
        if self.controller.service(state, partition) == Service::Lost {
            return vec![self.why_lost(view)];
        }
        let mut problems = Vec::new();
        problems.extend(self.why_no_updates(view));
        problems.extend(self.why_no_reads(now, view));
        problems.extend(self.why_one_copy(view));
        problems
    }

    fn why_no_updates(&self, view: &View) -> Option<String> {
        let home = self.name(view.partition, Member::Home);
        if !self.is_holder_up(view.partition, Member::Home) {
            Some(format!("no updates: {home}, with the primary, is not linked; start it"))
        } else if !view.in_sync.has_primary() {
            Some(format!(
                "no updates: {home}, with the primary, has lost its data and is being restored"
            ))
        } else {
            None
        }
    }

    fn why_no_reads(&self, now: Time, view: &View) -> Option<String> {
        let reader = view.in_sync.reader();
        if self.is_holder_up(view.partition, reader) {
            return None;
        }
        let is_moving = self.controller.saving().is_some() || now < self.controller.grace_until();
        let hope = if is_moving { "the view is about to change" } else { "start it" };
        let node = self.name(view.partition, reader);
        Some(format!("no reads: {node}, which has to answer them, is not linked; {hope}"))
    }

    fn why_one_copy(&self, view: &View) -> Option<String> {
        let (sole, _) = view.in_sync.sole()?;
        let (partition, other) = (view.partition, sole.other());
        let holder = |member| self.controller.ring().holder(partition, member);
        let is_cut_off = sole == Member::Home
            && self.controller.linked(holder(sole)).is_some_and(|home| home.unreachable.is_some());
        let progress = self.controller.progress(holder(other), other);
        let why = if !self.is_holder_up(partition, other) {
            "is not linked; start it".to_owned()
        } else if is_cut_off {
            let sole = self.name(partition, sole);
            format!("cannot be reached by {sole}; mend the network between them")
        } else if progress.is_some_and(|progress| progress.is_installing) {
            "is being restored from a snapshot".to_owned()
        } else {
            "is catching up".to_owned()
        };
        let (node, role) = match other {
            Member::Home => (self.name(partition, other), "primary"),
            Member::Next => (self.name(partition, other), "replica"),
        };
        Some(format!("one copy only: {node}, with the {role}, {why}"))
    }

    /// The only copy in sync is gone with its data.
    fn why_lost(&self, view: &View) -> String {
        let (sole, incarnation) = match view.in_sync.sole() {
            Some(sole) => sole,
            None => unreachable!("both copies are never lost under one view: {view}"),
        };
        let partition = view.partition;
        let (gone, other) = (self.name(partition, sole), self.name(partition, sole.other()));
        format!(
            "lost: {gone} alone had the newest data of {partition} (incarnation {incarnation}) and came back without it. \
             If that data directory can be found, start {gone} with it. Else accept that updates are lost: `chainring \
             accept-loss --partition {} --from {other}` goes on with what {other} has",
            partition.0,
        )
    }

    /// The view was lost with the controller's file.
    fn why_unknown(&self, partition: PartitionId) -> String {
        let (home, next) = (self.name(partition, Member::Home), self.name(partition, Member::Next));
        let accept = format!("`chainring accept-loss --partition {} --from NODE`", partition.0);
        let what = format!("the view of {partition} was lost with the gateway's state");
        match self.controller.prospect(partition) {
            Prospect::Awaited(member) => {
                let node = self.name(partition, member);
                format!(
                    "{what}, and is rebuilt once {home} and {next} have reported: {node} has not; start it. If it is gone \
                     for good, {accept} goes on with the other node's data"
                )
            }
            Prospect::Unaccounted(member) => {
                let node = self.name(partition, member);
                format!(
                    "{what}, and {node} has lost data too: the newest view may be gone with that. If its data directory can \
                     be found, start it with that. Else {accept} goes on with the data of the node that you name"
                )
            }
            Prospect::Contradiction => format!(
                "{what}, and {home} and {next} know two different views of one epoch: two gateways were at work. Find out \
                 which node has the data to go on with, and name it: {accept}"
            ),
            Prospect::Found(_) => format!("{what}, and is being rebuilt"),
        }
    }

    fn name(&self, partition: PartitionId, member: Member) -> &NodeId {
        let ring = self.controller.ring();
        ring.node_at(ring.holder(partition, member))
    }

    fn is_holder_up(&self, partition: PartitionId, member: Member) -> bool {
        self.is_up(self.controller.ring().holder(partition, member))
    }

    fn why_not_formed(&self) -> String {
        let ring = self.controller.ring();
        let missing = ring.places().filter(|place| self.controller.linked(*place).is_none());
        let missing = missing.map(|place| ring.node_at(place).to_string()).collect::<Vec<_>>();
        format!("the cluster is not formed: waiting for {}", missing.join(", "))
    }
}
