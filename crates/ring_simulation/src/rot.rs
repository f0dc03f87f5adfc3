//! Rot: records that become unreadable.

use protocol::id::PartitionId;
use protocol::user::UserId;
use protocol::view::Member;
use ring_core::placement::Place;

use crate::gateway::GatewayDisk;
use crate::machines::Machines;
use crate::promises::Promises;
use crate::totals::Totals;

/// Without an operator, records rot only while each copy keeps more log entries than this. So the
/// other copy can come back by the log: a damaged copy cannot make a snapshot.
const ENTRIES_KEPT_MIN: u64 = 1_000;

/// Makes records on the disks of the machines unreadable.
pub(crate) struct Rot<'a> {
    pub(crate) machines: &'a mut Machines,
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) has_operator: bool,
    pub(crate) totals: &'a mut Totals,
}

impl Rot<'_> {
    /// Makes a record of a copy unreadable, if the design promises to survive this or there is an
    /// operator. With an operator, the other copy loses a record too.
    pub(crate) fn spoil(&mut self, place: Place, member: Member, id: &UserId) {
        let disk = &self.machines.at(place).disk;
        let has_record = disk.current.copy(member).records.contains_key(id);
        if has_record && (self.has_operator || self.is_borne(place, member)) {
            self.totals.rotten += 1;
            self.machines.at_mut(place).disk.rot(member, id);
            if self.has_operator {
                let partition = self.machines.ring().partition_at(place, member);
                self.spoil_one(partition, member.other(), id);
            }
        }
    }

    /// Whether the design promises to survive this. The other copy may fall out of the view
    /// before anything finds the damage.
    fn is_borne(&self, place: Place, member: Member) -> bool {
        let partition = self.machines.ring().partition_at(place, member);
        let promises = Promises { machines: self.machines, gateway: self.gateway };
        self.machines.at(place).log_entries_kept() > ENTRIES_KEPT_MIN
            && promises.survive_loss_of_copy(place, member)
            && self.machines.is_sound(partition, member)
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
