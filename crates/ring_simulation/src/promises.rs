//! The losses that the design promises to survive.

use protocol::id::PartitionId;
use protocol::view::{InSync, Member, View};
use ring_core::placement::Place;

use crate::gateway::GatewayMachine;
use crate::machines::Machines;
use crate::rules::KnownViews;

/// Judges whether the design promises to survive a loss now. It changes nothing.
pub(crate) struct Promises<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) gateway: &'a GatewayMachine,
    pub(crate) views: &'a KnownViews,
}

impl Promises<'_> {
    /// Whether a partition survives damage in a copy: each view counts on the other copy too, or
    /// on none of the data of this one.
    pub(crate) fn survive_damage(&self, partition: PartitionId, member: Member) -> bool {
        let has_data = |view: &View, member| self.has_data(view, member);
        !self.waits_for_next(partition) && self.survive(partition, member, has_data)
    }

    /// Whether a partition survives the loss of a copy. Other than after damage, a next copy that
    /// was dropped may take over.
    fn survive_loss_of_copy(&self, partition: PartitionId, member: Member) -> bool {
        let counts = |view: &View, member| {
            self.has_data(view, member) || (member == Member::Next && self.can_take_over(view))
        };
        self.survive(partition, member, counts)
    }

    /// Whether the other copy is sound and, in each view, durable or being saved, counts if this
    /// copy counts.
    fn survive(
        &self,
        partition: PartitionId,
        member: Member,
        counts: impl Fn(&View, Member) -> bool,
    ) -> bool {
        let other = member.other();
        let states = self.gateway.disk.states();
        let mut known = states.map(|state| state.view(partition)).peekable();
        known.peek().is_some()
            && self.machines.is_sound(partition, other)
            && known
                .all(|view| view.is_some_and(|view| !counts(view, member) || counts(view, other)))
    }

    /// Whether both partitions of a machine survive the loss of its disk.
    pub(crate) fn survive_loss_of_disk(&self, place: Place) -> bool {
        Member::ALL.into_iter().all(|member| {
            self.survive_loss_of_copy(self.machines.ring().partition_at(place, member), member)
        })
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

    /// Whether all partitions survive the end of the gateway: none of them waits for a next copy
    /// that only the memory of the gateway allows to take over.
    pub(crate) fn survive_end_of_gateway(&self) -> bool {
        self.machines.partitions().all(|partition| !self.waits_for_next(partition))
    }

    /// Whether the partition has lost home, and waits for next to take over.
    pub(crate) fn waits_for_next(&self, partition: PartitionId) -> bool {
        self.gateway.disk.states().filter_map(|state| state.view(partition)).any(|view| {
            matches!(view.in_sync, InSync::HomeOnly { .. }) && !self.has_data(view, Member::Home)
        })
    }

    /// Whether a copy is in sync, and its machine still has the data of the view.
    fn has_data(&self, view: &View, member: Member) -> bool {
        let incarnation = self.machines.incarnation(view.partition, member);
        view.in_sync.incarnation(member) == Some(incarnation)
    }

    /// Whether next was dropped for this view and can take over from home: home has not acted on
    /// the view, next still has its data, and the gateway that has decided this remembers it.
    fn can_take_over(&self, view: &View) -> bool {
        let next = self.machines.incarnation(view.partition, Member::Next);
        let home = self.machines.current_copy(view.partition, Member::Home);
        let has_acted = home.view.is_some_and(|acting| acting.epoch >= view.epoch);
        self.views.dropped_next(view) == Some(next)
            && !has_acted
            && self.gateway.boot() == Some(view.decided_by)
            && self.machines.current_copy(view.partition, Member::Next).installing.is_none()
    }
}
