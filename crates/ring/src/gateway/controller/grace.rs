//! The time that nodes have to connect before a view shrinks.

use std::time::Duration;

use crate::time::Time;

/// The grace period: after the start, and after most links were lost at once.
#[derive(Debug)]
pub(super) struct Grace {
    period: Duration,
    /// No view shrinks before this.
    until: Time,
}

impl Grace {
    /// A period that begins now.
    pub(super) fn from(now: Time, period: Duration) -> Self {
        Self { period, until: now + period }
    }

    /// From now on nodes have time to connect.
    pub(super) fn begin(&mut self, now: Time) {
        self.until = self.until.max(now + self.period);
    }

    /// When it is over.
    pub(super) fn until(&self) -> Time {
        self.until
    }
}
