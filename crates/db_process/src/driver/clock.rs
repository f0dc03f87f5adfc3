//! The clock that the core is told the time from.

use std::time::Duration;

use ring::time::Time;
use tokio::time::Instant;

/// Counts from the process's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> Time {
        Time::at(self.start.elapsed())
    }

    /// Returns at `deadline`; never, if there is none.
    pub(crate) fn sleep_until(self, deadline: Option<Time>) -> impl Future<Output = ()> {
        let wait = deadline.map(|deadline| deadline.since(self.now()));
        async move {
            match wait {
                Some(Duration::ZERO) => {}
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }
}
