//! The machine's clock, which never goes back.

use tokio::time::Instant;

/// The machine's clock. A simulation lets it leap, as it does for a process that stood still.
pub trait MachineClock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Instant;
}

/// The clock of the operating system; simulated time if tokio counts that.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl MachineClock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}
