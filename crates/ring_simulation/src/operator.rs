//! The operator. Where no copy is whole, the operator lets the partition go on with the readable
//! records of one copy.

use std::time::Duration;

use protocol::id::PartitionId;
use protocol::user::UserId;
use protocol::view::{InSync, Member};
use ring_core::gateway::GatewayEvent;
use ring_core::store::RecordKey;

use crate::world::World;

/// How many times the operator looks again at most, until all is well.
const LOOKS_MAX: usize = 20;

impl World {
    /// With an operator: makes a record of the other copy unreadable too, a different record if
    /// there is one.
    pub(crate) fn rot_in_both(&mut self, partition: PartitionId, member: Member, id: &UserId) {
        let (other, holder) = (member.other(), self.holder(partition, member.other()));
        let disk = &mut self.nodes[holder].disk;
        let ids = disk.current.copy(other).records.keys();
        let (others, same): (Vec<_>, Vec<_>) = ids.cloned().partition(|another| another != id);
        let another = others.into_iter().chain(same).next();
        if let Some(another) = another.filter(|_| self.has_operator) {
            disk.rot(other, &another);
        }
    }

    /// The operator names a copy in sync, so the copy has everything ever told to a client. The
    /// gateway decides whether there is a loss to accept.
    pub(crate) fn accept_loss(&mut self, i: usize, member: Member) {
        let place = self.ring.places().nth(i).expect("a place");
        let partition = self.ring.partition_at(place, member);
        let (host, view) = (&self.nodes[i], self.saved_view(partition));
        let is_named =
            view.and_then(|view| view.in_sync.incarnation(member)) == Some(host.incarnation);
        let is_at_rest = self.gateway_disk.saving.is_none();
        if self.has_operator && is_named && is_at_rest {
            let node = host.id.clone();
            self.gateway_event(GatewayEvent::AcceptLoss { partition, node });
        }
    }

    /// A copy drops unreadable records.
    pub(crate) fn drops(&mut self, keys: &[RecordKey]) {
        let now_ns = self.now_ns();
        for id in keys.iter().filter_map(RecordKey::id) {
            self.totals.users_dropped += 1;
            self.clients.drop_record(now_ns, &id);
        }
    }

    /// The operator restores everything that does not come back by itself.
    pub(crate) fn operate(&mut self) {
        for _ in 0..LOOKS_MAX {
            if !self.has_operator || self.partitions().into_iter().all(|of| self.is_well(of)) {
                return;
            }
            for i in 0..self.nodes.len() {
                Member::ALL.into_iter().for_each(|member| self.accept_loss(i, member));
            }
            for _ in 0..Duration::from_secs(4).as_millis() / 200 {
                self.heal_for_a_while();
            }
        }
    }

    /// Whether both copies of a partition are in sync and without damage.
    fn is_well(&self, partition: PartitionId) -> bool {
        let view = self.saved_view(partition);
        view.is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }))
            && Member::ALL.into_iter().all(|member| self.is_sound(partition, member))
    }
}
