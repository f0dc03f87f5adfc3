//! The time of a run. It passes only when a schedule lets it pass.

use std::time::Duration;

use ring_core::time::Time;

/// The time of a run.
#[derive(Debug, Default)]
pub(crate) struct SimulatedClock {
    /// Since the start of the run.
    elapsed: Duration,
}

impl SimulatedClock {
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The time for the state machines.
    pub(crate) fn now(&self) -> Time {
        Time::at(self.elapsed)
    }

    /// The time for the clients' history.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.elapsed.as_nanos()).expect("a short run")
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.elapsed += time;
    }
}
