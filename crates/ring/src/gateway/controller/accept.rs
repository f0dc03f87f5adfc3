//! An operator's last resort: a partition goes on with one copy, whatever is lost with the other.

use protocol::id::{NodeId, PartitionId};
use protocol::message::Condition;
use protocol::view::Member;

use super::copies::Copies;
use crate::gateway::accept_loss_error::AcceptLossError;

impl Copies<'_> {
    /// The copy on `node`, if an operator may choose it. Once it is chosen, only this copy counts:
    /// data held only by the other copy is lost.
    pub(super) fn acceptable(
        self,
        partition: PartitionId,
        node: &NodeId,
    ) -> Result<Member, AcceptLossError> {
        let Some(state) = self.published else {
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
        match self.nodes.reported(holder(member)) {
            None => Err(AcceptLossError::NotLinked(node.clone())),
            Some(linked) if linked.condition(member) == Condition::Partial => {
                Err(AcceptLossError::NotWhole(node.clone()))
            }
            Some(_) => Ok(member),
        }
    }
}
