//! The flags for the times and sizes of links. Every process of a cluster has the same flags.

use std::time::Duration;

use link::Settings;

/// The times and sizes of links.
#[derive(Debug, Clone, clap::Args)]
pub struct LinkArgs {
    /// Time between two tests of a link, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_HEARTBEAT_INTERVAL_MS", default_value_t = 500)]
    heartbeat_interval_ms: u64,

    /// Longest time without an answer to a test of a link, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_HEARTBEAT_TIMEOUT_MS", default_value_t = 1000)]
    heartbeat_timeout_ms: u64,

    /// Longest time until the peer of a link has identified itself and is let in, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_CONNECT_DEADLINE_MS", default_value_t = 2000)]
    connect_deadline_ms: u64,

    /// Longest time without progress while sending over a link, or sending the answer to a REST
    /// request, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_WRITE_DEADLINE_MS", default_value_t = 2000)]
    write_deadline_ms: u64,

    /// Most bytes that may wait for the peer of a link
    #[arg(long, value_name = "BYTES", env = "CHAINRING_QUEUE_BYTES_MAX", default_value_t = Settings::default().queue_bytes_max)]
    queue_bytes_max: usize,
}

impl LinkArgs {
    /// The settings of links.
    ///
    /// # Errors
    ///
    /// Names the time that is too short or too long, or the size that is too small.
    pub fn settings(&self) -> Result<Settings, link::InvalidSettings> {
        let settings = Settings {
            heartbeat_interval: Duration::from_millis(self.heartbeat_interval_ms),
            heartbeat_timeout: Duration::from_millis(self.heartbeat_timeout_ms),
            connect_deadline: Duration::from_millis(self.connect_deadline_ms),
            write_deadline: Duration::from_millis(self.write_deadline_ms),
            queue_bytes_max: self.queue_bytes_max,
            ..Settings::default()
        };
        settings.validate()?;
        Ok(settings)
    }
}
