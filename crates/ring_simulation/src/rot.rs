//! Rot: records that become unreadable.

use protocol::id::PartitionId;
use protocol::user::UserId;
use protocol::view::Member;
use ring_core::placement::Place;

use crate::gateway::GatewayMachine;
use crate::machines::Machines;
use crate::promises::Promises;
use crate::rules::KnownViews;
use crate::totals::Totals;

/// Without an operator, records rot only while each copy keeps more log entries than this. So the
/// other copy can come back by the log: a damaged copy cannot make a snapshot.
const ENTRIES_KEPT_MIN: u64 = 1_000;

/// Makes records on the disks of the machines unreadable.
pub(crate) struct Rot<'a> {
    pub(crate) machines: &'a mut Machines,
    pub(crate) gateway: &'a GatewayMachine,
    pub(crate) views: &'a KnownViews,
    pub(crate) has_operator: bool,
    pub(crate) totals: &'a mut Totals,
}

impl Rot<'_> {
    /// Makes a record of a copy unreadable, if the design promises to survive this or an operator
    /// can accept the loss. With an operator, the other copy loses a record too.
    pub(crate) fn spoil(&mut self, place: Place, member: Member, id: &UserId) {
        let partition = self.machines.ring().partition_at(place, member);
        let has_record = self.machines.current_copy(partition, member).records.contains_key(id);
        if has_record && self.is_borne(partition, member) {
            self.totals.rotten += 1;
            self.machines.at_mut(place).disk.rot(member, id);
            if self.has_operator {
                self.spoil_one(partition, member.other(), id);
            }
        }
    }

    /// Without an operator, the other copy may fall out of the view before anything finds the
    /// damage.
    fn is_borne(&self, partition: PartitionId, member: Member) -> bool {
        let Self { machines, gateway, views, .. } = self;
        let promises = Promises { machines, gateway, views };
        if self.has_operator {
            return !promises.waits_for_next(partition);
        }
        machines.holder(partition, member).log_entries_kept() > ENTRIES_KEPT_MIN
            && promises.survive_damage(partition, member)
            && machines.is_sound(partition, member)
    }

    /// Makes a record of a copy unreadable, another record than `id` if there is one.
    fn spoil_one(&mut self, partition: PartitionId, member: Member, id: &UserId) {
        let disk = &mut self.machines.holder_mut(partition, member).disk;
        let ids = disk.current.copy(member).records.keys();
        let (others, same): (Vec<_>, Vec<_>) = ids.cloned().partition(|another| another != id);
        if let Some(another) = others.into_iter().chain(same).next() {
            disk.rot(member, &another);
        }
    }
}
