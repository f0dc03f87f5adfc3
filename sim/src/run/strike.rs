//! The beginnings of faults: when they are due, their moment has come, and the design bears
//! them.

use std::collections::VecDeque;
use std::time::Duration;

use super::aim::Aiming;
use crate::plan::corruption::{Corruption, NodeFate};
use crate::plan::fault::{Fault, PlannedFault};
use crate::plan::host::Host;
use crate::plan::swarm::Pace;

/// Begins faults. It takes from the faults to come; everything else it changes through
/// [`Aiming`].
pub(super) struct Striking<'a> {
    /// The faults to come.
    pub(super) faults: &'a mut VecDeque<PlannedFault>,
    pub(super) aiming: Aiming<'a>,
}

impl Striking<'_> {
    /// Begins the due faults.
    pub(super) fn begin_faults(&mut self) {
        let now = self.aiming.world.now();
        if self.faults.iter().any(|planned| is_blackout(planned) && is_due(planned, now)) {
            self.aiming.keep_in_the_dark(now);
        }
        self.aiming.kill_again();
        self.aiming.lose_alone(now);
        self.aiming.strand();
        if self.aiming.corrupt_ahead(now) {
            return;
        }
        while let Some(planned) = self.next(now) {
            if !self.aiming.limits().is_borne(&planned.fault) {
                continue;
            }
            match planned.fault {
                Fault::LostData(Host::Node(place)) => self.aiming.lost.add(place),
                Fault::LostAlone { host: Host::Node(place), .. } => self.aiming.will_lose(place),
                Fault::Corrupt(Corruption {
                    host: Host::Node(place),
                    fate: NodeFate::KilledTwice,
                    ..
                }) => {
                    return self.aiming.leave_behind(place, planned);
                }
                Fault::Corrupt(corruption) if corruption.fate.is_stranded() => {
                    self.aiming.will_strand(corruption);
                }
                _ => {}
            }
            let for_ms = self.duration_ms(&planned, now);
            self.aiming.begin(&planned.fault, for_ms);
            if self.aiming.swarm.pace == Pace::OneAtATime {
                return;
            }
        }
    }

    /// The duration of a fault that begins now. A machine's clock has leapt to the end of a
    /// standstill, so no healing may end it early.
    fn duration_ms(&self, planned: &PlannedFault, now: Duration) -> u64 {
        let left_ms = self.aiming.swarm.safety_ms.saturating_sub(now.as_millis() as u64);
        match planned.fault {
            Fault::Pause(_) => planned.for_ms.min(left_ms),
            _ => planned.for_ms,
        }
    }

    /// Takes the first due fault whose moment has come.
    fn next(&mut self, now: Duration) -> Option<PlannedFault> {
        let may_begin = self.may_begin(now);
        let mut due = self.faults.iter().take_while(|planned| is_due(planned, now));
        let next = due.position(|planned| may_begin && self.aiming.is_the_moment(planned, now))?;
        self.faults.remove(next)
    }

    /// Whether the pace lets a fault begin.
    fn may_begin(&self, now: Duration) -> bool {
        let Aiming { swarm, model, world, .. } = &self.aiming;
        match swarm.pace {
            Pace::Free => true,
            Pace::OneAtATime => {
                model.is_whole()
                    && !self.aiming.limits().is_anything_rotten()
                    && world.calm_since().is_some_and(|since| since + swarm.calm() <= now)
            }
        }
    }
}

fn is_due(planned: &PlannedFault, now: Duration) -> bool {
    Duration::from_millis(planned.at_ms) <= now
}

fn is_blackout(planned: &PlannedFault) -> bool {
    matches!(planned.fault, Fault::Blackout { .. })
}
