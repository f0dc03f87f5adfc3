//! The clock of the core.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use process::clock::MachineClock;
use ring_core::time::Time;
use tokio::time::Instant;

/// A clock that counts from the process's start.
#[derive(Clone)]
pub struct Clock {
    start: Instant,
    machine: Arc<dyn MachineClock>,
}

impl Clock {
    /// A clock that starts now.
    pub fn start(machine: Arc<dyn MachineClock>) -> Self {
        Self { start: machine.now(), machine }
    }

    /// The time.
    pub fn now(&self) -> Time {
        Time::at(self.machine.now().saturating_duration_since(self.start))
    }

    /// Returns at `deadline`; never, if there is none. Safe to cancel.
    pub async fn sleep_until(&self, deadline: Option<Time>) {
        match deadline.map(|deadline| deadline.since(self.now())) {
            Some(Duration::ZERO) => {}
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("start", &self.start).finish_non_exhaustive()
    }
}
