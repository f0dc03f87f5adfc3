//! The rules for the time between any two steps.

use protocol::id::PartitionId;
use protocol::view::{InSync, Member};
use ring_core::placement::Place;

use super::known_views::KnownViews;
use crate::gateway::GatewayDisk;
use crate::machines::Machines;

/// Checks the rules that hold between any two steps.
pub(crate) struct BetweenSteps<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) views: &'a mut KnownViews,
}

impl BetweenSteps<'_> {
    pub(crate) fn check(&mut self) {
        for partition in self.machines.partitions() {
            self.check_prefix(partition);
            self.check_committed(partition);
        }
        for place in self.machines.places() {
            for member in Member::ALL {
                self.check_acting(place, member);
            }
        }
    }

    /// Rule 4: the log of the sink, synced or not, is a prefix of the durable log of the source.
    fn check_prefix(&self, partition: PartitionId) {
        let Some(view) = self.gateway.view(partition) else { return };
        let member = view.in_sync.source();
        let sender = self.machines.incarnation(partition, member);
        if view.in_sync.incarnation(member) != Some(sender) {
            return;
        }
        let source = self.machines.durable_copy(partition, member);
        let sink = self.machines.current_copy(partition, member.other());
        let (from, to) = (source.last(), sink.last());
        let receiver = self.machines.incarnation(partition, member.other());
        let is_member = view.in_sync.incarnation(member.other()) == Some(receiver);
        if !is_member && self.views.is_dropped(partition, receiver) {
            return;
        }
        assert!(to.seq <= from.seq, "rule 4: the sink holds {to}, the source has {from} durable");
        for (seq, entry) in &sink.log {
            if let Some(made) = source.entry(*seq) {
                assert_eq!(made, entry, "rule 4: the copies hold different entries");
            }
        }
    }

    /// Rule 6: nothing is committed in the view *both* that next does not have durable.
    fn check_committed(&self, partition: PartitionId) {
        let next = self.machines.incarnation(partition, Member::Next);
        let is_both = self.gateway.view(partition).is_some_and(
            |view| matches!(view.in_sync, InSync::Both { next: named, .. } if named == next),
        );
        let committed = self.machines.home_committed(partition);
        let durable_at_next = self.machines.durable_copy(partition, Member::Next).last().seq;
        assert!(
            !is_both || committed <= durable_at_next,
            "rule 6: {partition} is both, {committed} is committed, and next ends at \
             {durable_at_next}",
        );
    }

    /// Rule 1: a copy acts only on a view that it has stored, and never on an older one.
    fn check_acting(&mut self, place: Place, member: Member) {
        let machine = self.machines.at(place);
        let Some(view) = machine.acting_view(member) else { return };
        let durable = machine.disk.durable.copy(member).view;
        assert!(
            durable.is_some_and(|durable| durable.epoch >= view.epoch),
            "rule 1: acts on a view it has not stored"
        );
        self.views.see_acting(place, &view);
    }
}
