//! The flags that set the times of links; the same for every process of a cluster.

use std::time::Duration;

use link::Settings;

/// The times of links.
#[derive(Debug, Clone, clap::Args)]
pub struct LinkArgs {
    /// How often a link is tested, in milliseconds
    #[arg(long, value_name = "MS", env = "HEARTBEAT_INTERVAL_MS", default_value_t = 500)]
    heartbeat_interval_ms: u64,

    /// How long a test of a link may go unanswered, in milliseconds
    #[arg(long, value_name = "MS", env = "HEARTBEAT_TIMEOUT_MS", default_value_t = 1000)]
    heartbeat_timeout_ms: u64,
}

impl LinkArgs {
    /// The settings of links.
    ///
    /// # Errors
    ///
    /// Names a time that is too short to live with.
    pub fn settings(&self) -> Result<Settings, link::InvalidSettings> {
        let settings = Settings {
            heartbeat_interval: Duration::from_millis(self.heartbeat_interval_ms),
            heartbeat_timeout: Duration::from_millis(self.heartbeat_timeout_ms),
            ..Settings::default()
        };
        settings.validate()?;
        Ok(settings)
    }
}
