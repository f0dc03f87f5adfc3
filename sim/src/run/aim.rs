//! Faults that are aimed at a moment, which is waited for or brought about.

use std::time::Duration;

use super::Run;
use crate::plan::fault::{Fault, PlannedFault};
use crate::plan::host::Host;
use crate::plan::swarm::Pace;
use crate::seen::{Seen, WorldDid};

/// How long a fault may wait for the moment that it is aimed at.
const AIM_MAX: Duration = Duration::from_secs(8);

/// How long a donor is kept in the dark for a blackout, in milliseconds.
const DARK_MS: u64 = 400;

/// How long after that, at least, comes the next time.
const LIGHT: Duration = Duration::from_secs(2);

/// How long a node stays dead that is killed again, in milliseconds.
const DEAD_MS: u64 = 50;

impl Run<'_> {
    /// Brings about the moment that a blackout waits for: the donor does not hear that its ask is granted, nor the joiner what
    /// the donor makes durable meanwhile.
    pub(super) fn keep_in_the_dark(&mut self, now: Duration) {
        let waits = |planned: &PlannedFault| {
            matches!(planned.fault, Fault::Blackout { .. })
                && Duration::from_millis(planned.at_ms) <= now
        };
        if self.plan.swarm.pace != Pace::Free
            || now < self.light_until
            || !self.faults.iter().any(waits)
        {
            return;
        }
        let Some((donor, joiner)) = self.model.donor_untold() else { return };
        self.light_until = now + Duration::from_millis(DARK_MS) + LIGHT;
        let (donor, joiner) = (Host::Node(donor.index()), Host::Node(joiner.index()));
        for other in [Host::Gateway, joiner] {
            self.world.add_steps(Fault::Hold(donor, other).steps(DARK_MS));
        }
    }

    /// A fault that is aimed at a moment waits for it, if it comes soon; others pass it by.
    pub(super) fn is_the_moment(&self, planned: &PlannedFault, now: Duration) -> bool {
        match planned.fault {
            Fault::Blackout { .. } => {
                self.model.is_a_donor_ahead()
                    || Duration::from_millis(planned.at_ms) + AIM_MAX <= now
            }
            Fault::Corrupt { host: Host::Node(place), killed_again: true, .. } => {
                self.model.is_ahead_of_next(place)
                    || Duration::from_millis(planned.at_ms) + AIM_MAX <= now
            }
            _ => true,
        }
    }

    /// Kills a node that was to be killed again, at the moment when it is restored: the gateway has heard that it had more,
    /// and has not heard yet what it has now.
    pub(super) fn kill_again(&mut self) {
        let is_restored = |host: &Host| match host {
            Host::Node(place) => self.model.is_restored_to_less(*place),
            _ => false,
        };
        let Some(found) = self.to_kill_again.iter().position(is_restored) else { return };
        let kill = Fault::Kill(self.to_kill_again.remove(found));
        if self.is_borne(&kill) {
            self.log.tell(Seen::World(WorldDid::Fault(kill.kind())));
            self.world.add_steps(kill.steps(DEAD_MS));
        }
    }
}
