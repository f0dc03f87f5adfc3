//! An operator's last resort: a partition goes on with one copy, whatever is lost with the other.

use protocol::id::{NodeId, PartitionId};
use protocol::message::Condition;
use protocol::salvage::Salvage;
use protocol::view::{Member, View};

use super::Controller;
use crate::gateway::cluster_state::ClusterState;

/// Why an operator's word on a partition is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptLossError {
    /// There is no such partition.
    #[error("there is no partition {0}")]
    NoPartition(PartitionId),
    /// Nothing is lost there.
    #[error("{0} is not lost: what is in sync has its data, and is served when its node is linked")]
    NotLost(PartitionId),
    /// The copy is not there.
    #[error("{0} is not linked: start it, or name the other node of the partition")]
    NotLinked(NodeId),
    /// The copy holds a part of what it should.
    #[error(
        "the copy on {0} is only partly restored: name the other node, or start this one with an empty data directory to \
         begin with no users at all"
    )]
    NotWhole(NodeId),
    /// The node holds no copy of it.
    #[error("{node} holds no copy of {partition}: name one of {holders}")]
    NoCopy {
        /// The node.
        node: NodeId,
        /// The partition.
        partition: PartitionId,
        /// Who holds one.
        holders: String,
    },
}

impl Controller {
    /// An operator wants a partition to go on with the copy of one node, whatever is lost with the other.
    pub(crate) fn accept_loss(
        &mut self,
        partition: PartitionId,
        node: &NodeId,
    ) -> Result<(), AcceptLossError> {
        let Some(state) = &self.published else {
            return Err(AcceptLossError::NoPartition(partition));
        };
        if usize::from(partition.0) >= self.ring.size() {
            return Err(AcceptLossError::NoPartition(partition));
        }
        let holder = |member| self.ring.holder(partition, member);
        let place = self.ring.place_of(node);
        let Some(member) = Member::ALL.into_iter().find(|member| Some(holder(*member)) == place)
        else {
            let name = |member| self.ring.node_at(holder(member)).as_str();
            let holders = format!("{}, {}", name(Member::Home), name(Member::Next));
            return Err(AcceptLossError::NoCopy { node: node.clone(), partition, holders });
        };
        if !self.is_in_want(state, partition) {
            return Err(AcceptLossError::NotLost(partition));
        }
        match self.reported(holder(member)) {
            None => Err(AcceptLossError::NotLinked(node.clone())),
            Some(linked) if linked.condition(member) == Condition::Partial => {
                Err(AcceptLossError::NotWhole(node.clone()))
            }
            Some(_) => {
                self.accepted.insert(partition, member);
                Ok(())
            }
        }
    }

    /// Whether a partition cannot go on, or not with all that it had, without an operator's word.
    pub(super) fn is_in_want(&self, state: &ClusterState, partition: PartitionId) -> bool {
        let Some(view) = state.view(partition) else { return true };
        state.is_lost(&self.ring, view) || self.none_is_whole(view)
    }

    /// Whether a copy in sync is there that is damaged, and none that is whole.
    fn none_is_whole(&self, view: &View) -> bool {
        let known = |member: &Member| self.condition_in(view, *member);
        let conditions = Member::ALL.iter().filter_map(known).collect::<Vec<_>>();
        !conditions.is_empty() && !conditions.contains(&Condition::Whole)
    }

    /// What a member of a view is worth; none where its node has not reported, or the view does not name the data there.
    pub(crate) fn condition_in(&self, view: &View, member: Member) -> Option<Condition> {
        let linked = self.reported(self.ring.holder(view.partition, member))?;
        let is_meant = view.in_sync.incarnation(member) == Some(linked.hello.incarnation);
        is_meant.then(|| linked.condition(member))
    }

    /// The salvage of the loss that was last accepted for a partition, as far as a copy has told of it.
    pub(crate) fn salvage(&self, view: &View) -> Option<&Salvage> {
        let accepted = view.accepted_loss?;
        let mut told = Member::ALL.into_iter().filter_map(|member| {
            self.nodes.get(&self.ring.holder(view.partition, member))?.salvages.get(&member)
        });
        told.find(|salvage| salvage.accepted == accepted)
    }
}
