//! The steps to carry out, by time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::host::Host;
use crate::plan::step::Step;

/// The steps to carry out. Steps of one time keep the order of planning.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    steps: BTreeMap<(Duration, u64), Step>,
    /// The number of steps ever planned.
    planned: u64,
}

impl Agenda {
    /// Plans a step.
    pub(crate) fn add(&mut self, at: Duration, step: Step) {
        self.planned += 1;
        self.steps.insert((at, self.planned), step);
    }

    /// Takes the next step, if it is due.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Step> {
        let next = self.steps.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(next.remove())
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step concerns a host.
    pub(crate) fn concerns(&self, host: Host) -> bool {
        self.steps.values().any(|step| step.hosts().contains(&host))
    }

    /// Whether a step concerns a host and no other.
    pub(crate) fn concerns_alone(&self, host: Host) -> bool {
        self.steps.values().any(|step| step.hosts() == [host])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_one_time_keep_their_order_and_later_ones_wait() {
        let mut agenda = Agenda::default();
        let (now, later) = (Duration::from_secs(1), Duration::from_secs(2));
        agenda.add(later, Step::Up(Host::Node(2)));
        agenda.add(now, Step::Up(Host::Node(1)));
        agenda.add(now, Step::Up(Host::Node(0)));
        assert_eq!(agenda.take_due(now), Some(Step::Up(Host::Node(1))));
        assert_eq!(agenda.take_due(now), Some(Step::Up(Host::Node(0))));
        assert_eq!(agenda.take_due(now), None);
        assert!(agenda.concerns_alone(Host::Node(2)));
    }
}
