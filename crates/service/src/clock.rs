//! The clock of the core.

use std::time::Duration;

use ring_core::time::Time;
use tokio::time::Instant;

/// A clock that counts from the process's start. It counts simulated time if tokio does.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time.
    pub fn now(self) -> Time {
        Time::at(self.start.elapsed())
    }

    /// Returns at `deadline`; never, if there is none. Safe to cancel.
    pub async fn sleep_until(self, deadline: Option<Time>) {
        match deadline.map(|deadline| deadline.since(self.now())) {
            Some(Duration::ZERO) => {}
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    }
}
