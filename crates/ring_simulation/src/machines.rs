//! The machines of the ring, by place, and the copies on their disks.

use std::time::Duration;

use protocol::id::{Incarnation, NodeId, PartitionId, Seq};
use protocol::view::Member;
use ring_core::node::{Node, NodeSettings};
use ring_core::placement::{Place, Ring};
use uuid::Uuid;

use crate::disk::{Content, CopyOnDisk, Disk};
use crate::machine::NodeMachine;
use crate::schedule::Plan;

/// The machines of the ring.
pub(crate) struct Machines {
    /// The order of the machines.
    ring: Ring,
    /// One for each place of the ring.
    machines: Vec<NodeMachine>,
    /// How many disks were lost.
    disks_lost: u128,
}

impl Machines {
    pub(crate) fn new(plan: &Plan) -> Self {
        let id = |i| format!("db-{i}").parse::<NodeId>().expect("an id");
        let ring = Ring::new((0..plan.nodes).map(id).collect()).expect("a ring");
        let settings = NodeSettings {
            log_entries_kept: plan.log_entries_kept,
            // A schedule may let any time pass without a sync.
            disk_deadline: Duration::MAX,
            ..NodeSettings::default()
        };
        let machine = |place: Place| {
            let id = ring.node_at(place).clone();
            let disk = if plan.is_cold { Disk::cold() } else { Disk::warm() };
            NodeMachine::new(place, id, settings.clone(), disk)
        };
        let machines = ring.places().map(machine).collect();
        Self { ring, machines, disks_lost: 0 }
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        self.ring.places()
    }

    /// The place with this number, modulo the size of the ring.
    pub(crate) fn place(&self, number: usize) -> Place {
        self.places().nth(number % self.machines.len()).expect("a place")
    }

    pub(crate) fn at(&self, place: Place) -> &NodeMachine {
        &self.machines[place.index()]
    }

    pub(crate) fn at_mut(&mut self, place: Place) -> &mut NodeMachine {
        &mut self.machines[place.index()]
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        self.places().map(Place::partition)
    }

    /// The machine with this copy of a partition.
    pub(crate) fn holder(&self, partition: PartitionId, member: Member) -> &NodeMachine {
        self.at(self.ring.holder(partition, member))
    }

    pub(crate) fn holder_mut(
        &mut self,
        partition: PartitionId,
        member: Member,
    ) -> &mut NodeMachine {
        self.at_mut(self.ring.holder(partition, member))
    }

    /// The data of the machine with this copy of a partition.
    pub(crate) fn incarnation(&self, partition: PartitionId, member: Member) -> Incarnation {
        self.holder(partition, member).incarnation
    }

    pub(crate) fn durable_copy(&self, partition: PartitionId, member: Member) -> &CopyOnDisk {
        self.holder(partition, member).disk.durable.copy(member)
    }

    pub(crate) fn current_copy(&self, partition: PartitionId, member: Member) -> &CopyOnDisk {
        self.holder(partition, member).disk.current.copy(member)
    }

    /// The contents of all disks, with and without the unsynced writes.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Content> {
        self.machines.iter().flat_map(|machine| [&machine.disk.current, &machine.disk.durable])
    }

    /// Whether a copy has no damage on its own disk.
    pub(crate) fn is_sound(&self, partition: PartitionId, member: Member) -> bool {
        let copies = [self.current_copy(partition, member), self.durable_copy(partition, member)];
        copies.into_iter().all(|copy| copy.rotten.is_empty() && !copy.is_damaged)
    }

    /// What the home copy of a partition has committed.
    pub(crate) fn home_committed(&self, partition: PartitionId) -> Seq {
        let home = self.holder(partition, Member::Home).node().and_then(Node::home);
        home.map_or(Seq::ZERO, |home| home.progress().committed)
    }

    /// Replaces the disk of a machine by an empty one, with an incarnation never used before.
    pub(crate) fn lose_disk(&mut self, place: Place) {
        self.disks_lost += 1;
        let incarnation = Incarnation(Uuid::from_u128(1_000 + self.disks_lost));
        self.at_mut(place).lose_disk(incarnation);
    }
}
