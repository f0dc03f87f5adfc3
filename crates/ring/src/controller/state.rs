//! What the controller keeps on its disk.

use protocol::id::{ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId};
use protocol::view::{InSync, Member, View};
use serde::{Deserialize, Serialize};

use crate::placement::{InvalidRing, Ring};

/// The cluster as its controller decided it: enough to go on from (rule 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// The cluster's id, made at formation.
    pub cluster: ClusterId,
    /// The gateway's last start.
    pub boot: GatewayBoot,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeState>,
    /// One view for each partition, in order.
    pub views: Vec<View>,
}

/// A node as the ring knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// Its id.
    pub id: NodeId,
    /// Its data.
    pub incarnation: Incarnation,
}

/// A state that no controller would have saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// Its nodes make no ring.
    #[error(transparent)]
    Ring(#[from] InvalidRing),
    /// Its views are not one for each partition, in order.
    #[error("the state has no view of partition {0} in its place")]
    Views(PartitionId),
    /// A view has a member that the ring does not know.
    #[error("the view of {partition} has a {member} copy with data that the ring does not know")]
    Member {
        /// The partition.
        partition: PartitionId,
        /// The member.
        member: Member,
    },
}

impl ClusterState {
    /// The state that formation makes: every view *both*, at the first epoch.
    pub(crate) fn formed(
        cluster: ClusterId,
        boot: GatewayBoot,
        ring: &Ring,
        nodes: Vec<NodeState>,
    ) -> Self {
        let incarnation = |place: crate::placement::Place| {
            let node = nodes.get(place.index());
            node.unwrap_or_else(|| unreachable!("a node for each place")).incarnation
        };
        let views = ring.places().map(|place| View {
            partition: place.partition(),
            epoch: Epoch::FIRST,
            in_sync: InSync::Both { home: incarnation(place), next: incarnation(ring.next(place)) },
            decided_by: boot,
        });
        let views = views.collect();
        Self { cluster, boot, nodes, views }
    }

    /// The view of a partition.
    pub fn view(&self, partition: PartitionId) -> Option<&View> {
        self.views.get(usize::from(partition.0))
    }

    /// The data that the ring knows a node by.
    pub fn incarnation_of(&self, node: &NodeId) -> Option<Incarnation> {
        self.nodes.iter().find(|known| known.id == *node).map(|known| known.incarnation)
    }

    /// The ring, after a look at everything else.
    ///
    /// # Errors
    ///
    /// When it is not a state that a controller saves.
    pub fn validate(&self) -> Result<Ring, InvalidState> {
        let ring = Ring::new(self.nodes.iter().map(|node| node.id.clone()).collect())?;
        for place in ring.places() {
            let partition = place.partition();
            let view = self.view(partition).filter(|view| view.partition == partition);
            let view = view.ok_or(InvalidState::Views(partition))?;
            for member in [Member::Home, Member::Next] {
                let known = self.incarnation_of(ring.node_at(ring.holder(partition, member)));
                if view.in_sync.incarnation(member).is_some_and(|named| Some(named) != known) {
                    return Err(InvalidState::Member { partition, member });
                }
            }
        }
        match self.views.get(ring.size()) {
            Some(surplus) => Err(InvalidState::Views(surplus.partition)),
            None => Ok(ring),
        }
    }
}
