//! The controller's state on disk.

use protocol::id::{ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId};
use protocol::view::{InSync, Member, View};
use serde::{Deserialize, Serialize};

use crate::placement::{InvalidRing, Place, Ring};

/// The cluster, as decided by its controller. This state is enough to go on from (rule 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// The cluster's id, made at formation.
    pub cluster: ClusterId,
    /// The last start of the gateway.
    pub boot: GatewayBoot,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeState>,
    /// The view of each partition, in order; none if the view was lost and is not rebuilt yet.
    pub views: Vec<Option<View>>,
}

/// A node, as known to the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// Its id.
    pub id: NodeId,
    /// Its incarnation; none if the state was lost and the node has not connected since.
    pub incarnation: Option<Incarnation>,
    /// The highest start count seen of this incarnation.
    #[serde(default)]
    pub boots: u64,
}

/// An invalid state. No controller would have saved it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// Its nodes do not form a ring.
    #[error(transparent)]
    Ring(#[from] InvalidRing),
    /// Its views are not exactly one for each partition, in order.
    #[error("the state has no place for the view of partition {0}, or a view of another one in it")]
    Views(PartitionId),
}

impl ClusterState {
    /// The state of a new cluster: every view is *both*, at the first epoch.
    pub(crate) fn formed(
        cluster: ClusterId,
        boot: GatewayBoot,
        ring: &Ring,
        incarnations: &[Incarnation],
    ) -> Self {
        let incarnation = |place: Place| {
            let known = incarnations.get(place.index());
            *known.unwrap_or_else(|| unreachable!("data for each place"))
        };
        let mut state = Self::unknown(cluster, boot, ring);
        for (place, node) in ring.places().zip(&mut state.nodes) {
            node.incarnation = Some(incarnation(place));
        }
        let views = ring.places().map(|place| View {
            partition: place.partition(),
            epoch: Epoch::FIRST,
            in_sync: InSync::Both { home: incarnation(place), next: incarnation(ring.next(place)) },
            decided_by: boot,
            accepted_loss: None,
        });
        state.views = views.map(Some).collect();
        state
    }

    /// The state of a cluster with known nodes but without known views and incarnations.
    pub(crate) fn unknown(cluster: ClusterId, boot: GatewayBoot, ring: &Ring) -> Self {
        let nodes =
            ring.nodes().iter().map(|id| NodeState { id: id.clone(), incarnation: None, boots: 0 });
        Self { cluster, boot, nodes: nodes.collect(), views: vec![None; ring.size()] }
    }

    /// The view of a partition; none if it is unknown.
    pub fn view(&self, partition: PartitionId) -> Option<&View> {
        self.views.get(usize::from(partition.0))?.as_ref()
    }

    /// The known views.
    pub fn known_views(&self) -> impl Iterator<Item = &View> {
        self.views.iter().flatten()
    }

    /// The incarnation of a node, as known to the ring.
    pub fn incarnation_of(&self, node: &NodeId) -> Option<Incarnation> {
        self.nodes.iter().find(|known| known.id == *node)?.incarnation
    }

    /// The incarnation of the node at a place, as known to the ring.
    pub(crate) fn incarnation_at(&self, place: Place) -> Option<Incarnation> {
        self.nodes.get(place.index())?.incarnation
    }

    /// Whether every copy in sync of a partition is gone with its data (rule 9).
    pub(crate) fn is_lost(&self, ring: &Ring, view: &View) -> bool {
        let is_gone = |member| {
            view.in_sync.incarnation(member).is_none() || self.is_member_lost(ring, view, member)
        };
        Member::ALL.into_iter().all(is_gone)
    }

    /// The first member of a view with lost data, if there is one.
    pub(crate) fn lost_member(&self, ring: &Ring, view: &View) -> Option<Member> {
        Member::ALL.into_iter().find(|member| self.is_member_lost(ring, view, *member))
    }

    /// Whether a view names an earlier incarnation of a member, so that the data it names is
    /// gone.
    pub(crate) fn is_member_lost(&self, ring: &Ring, view: &View, member: Member) -> bool {
        let known = self.incarnation_at(ring.holder(view.partition, member));
        let named = view.in_sync.incarnation(member);
        known.zip(named).is_some_and(|(known, named)| known != named)
    }

    /// Validates the state, and returns its ring.
    ///
    /// # Errors
    ///
    /// When no controller would save this state.
    pub fn validate(&self) -> Result<Ring, InvalidState> {
        let ring = Ring::new(self.nodes.iter().map(|node| node.id.clone()).collect())?;
        for place in ring.places() {
            let partition = place.partition();
            let view = self.views.get(place.index()).ok_or(InvalidState::Views(partition))?;
            if view.is_some_and(|view| view.partition != partition) {
                return Err(InvalidState::Views(partition));
            }
        }
        match u16::try_from(ring.size()) {
            Ok(size) if self.views.len() > ring.size() => {
                Err(InvalidState::Views(PartitionId(size)))
            }
            _ => Ok(ring),
        }
    }
}
