//! The deadline of a disk. A disk that does not answer counts as a failed disk.

mod start;

pub use start::StartWatch;

use std::time::Duration;

/// The longest time for a call into the disk, by default.
pub const DISK_DEADLINE: Duration = Duration::from_secs(20);

/// The flag for the deadline of the disk.
#[derive(Debug, Clone, clap::Args)]
pub struct DiskArgs {
    /// Longest time for a write, a sync or a save on the disk, in milliseconds: after it the
    /// process reports the disk and ends
    #[arg(
        long,
        value_name = "MS",
        env = "CHAINRING_DISK_DEADLINE_MS",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    disk_deadline_ms: u64,
}

impl DiskArgs {
    /// The longest time for a call into the disk.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.disk_deadline_ms)
    }
}
