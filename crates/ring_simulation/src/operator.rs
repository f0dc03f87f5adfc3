//! The operator. Where no copy is whole, the operator lets the partition go on with the readable
//! records of one copy.

use std::time::Duration;

use protocol::id::PartitionId;
use protocol::view::{InSync, Member};
use ring_core::gateway::GatewayEvent;
use ring_core::placement::Place;

use crate::simulation::Simulation;

/// How many times the operator looks again at most, until all is well.
const LOOKS_MAX: usize = 20;

/// How long the operator waits before looking again, in steps.
const STEPS_BETWEEN_LOOKS: usize = 20;

/// The time of one of these steps.
const STEP: Duration = Duration::from_millis(200);

/// The operator of a simulated cluster.
pub(crate) struct Operator<'a> {
    pub(crate) simulation: &'a mut Simulation,
}

impl Operator<'_> {
    /// Names a copy in sync, so the copy has everything ever told to a client. The gateway
    /// decides whether there is a loss to accept.
    pub(crate) fn accept_loss(&mut self, place: Place, member: Member) {
        let Simulation { machines, gateway, .. } = &*self.simulation;
        let partition = machines.ring().partition_at(place, member);
        let machine = machines.at(place);
        let view = gateway.disk.view(partition);
        let named = view.and_then(|view| view.in_sync.incarnation(member));
        if named == Some(machine.incarnation) && gateway.disk.saving.is_none() {
            let node = machine.id.clone();
            self.simulation.gateway_event(GatewayEvent::AcceptLoss { partition, node });
        }
    }

    /// Restores everything that does not come back by itself.
    pub(crate) fn restore(&mut self) {
        for _ in 0..LOOKS_MAX {
            if self.is_all_well() {
                return;
            }
            for place in self.simulation.machines.places() {
                Member::ALL.into_iter().for_each(|member| self.accept_loss(place, member));
            }
            for _ in 0..STEPS_BETWEEN_LOOKS {
                self.simulation.pass_and_settle(STEP);
            }
        }
    }

    fn is_all_well(&self) -> bool {
        self.simulation.machines.partitions().all(|partition| self.is_well(partition))
    }

    /// Whether both copies of a partition are in sync and without damage.
    fn is_well(&self, partition: PartitionId) -> bool {
        let Simulation { machines, gateway, .. } = &*self.simulation;
        let view = gateway.disk.view(partition);
        view.is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }))
            && Member::ALL.into_iter().all(|member| machines.is_sound(partition, member))
    }
}
