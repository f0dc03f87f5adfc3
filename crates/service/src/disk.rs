//! How long a disk may take: a disk that does not answer is a disk that failed.

mod start;

pub use start::StartWatch;

use std::time::Duration;

/// How long a call into the disk may take, unless told.
pub const DISK_DEADLINE: Duration = Duration::from_secs(20);

/// The flag that bounds how long a disk may take.
#[derive(Debug, Clone, clap::Args)]
pub struct DiskArgs {
    /// How long the disk may take for a write, a sync or a save, in milliseconds: after that the process ends, and says so
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
    /// How long a call into the disk may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.disk_deadline_ms)
    }
}
