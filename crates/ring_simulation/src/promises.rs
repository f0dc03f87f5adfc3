//! The losses that the design promises to survive.

use protocol::view::Member;
use ring_core::placement::Place;

use crate::gateway::GatewayDisk;
use crate::machines::Machines;

/// Judges whether the design promises to survive a loss now. It changes nothing.
pub(crate) struct Promises<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) gateway: &'a GatewayDisk,
}

impl Promises<'_> {
    /// Whether the partition survives the loss of a copy. The other copy must be sound. In each
    /// view, durable or being saved, the copy is not a member, or the other member still has its
    /// data.
    pub(crate) fn survive_loss_of_copy(&self, place: Place, member: Member) -> bool {
        let partition = self.machines.ring().partition_at(place, member);
        let mut known = self.gateway.states().map(|state| state.view(partition)).peekable();
        known.peek().is_some()
            && self.machines.is_sound(partition, member.other())
            && known.all(|view| {
                let Some(view) = view else { return false };
                let has = |member| {
                    let incarnation = self.machines.incarnation(partition, member);
                    view.in_sync.incarnation(member) == Some(incarnation)
                };
                !has(member) || has(member.other())
            })
    }

    /// Whether both partitions of a machine survive the loss of its disk.
    pub(crate) fn survive_loss_of_disk(&self, place: Place) -> bool {
        Member::ALL.into_iter().all(|member| self.survive_loss_of_copy(place, member))
    }

    /// Whether the nodes know enough to rebuild the controller's file.
    pub(crate) fn survive_loss_of_state(&self) -> bool {
        self.machines.partitions().all(|partition| {
            Member::ALL.into_iter().all(|member| {
                let incarnation = self.machines.incarnation(partition, member);
                let view = self.machines.durable_copy(partition, member).view;
                view.is_some_and(|view| {
                    view.in_sync.incarnation(member).is_none_or(|named| named == incarnation)
                })
            })
        })
    }
}
