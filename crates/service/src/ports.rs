//! The flags that bound what peers may take of a port.

use std::time::Duration;

use port::{InvalidLimits, PortLimits};

/// What the peers of each port may take of it.
#[derive(Debug, Clone, clap::Args)]
pub struct PortArgs {
    /// How many connections each port may have at once
    #[arg(long, value_name = "CONNECTIONS", env = "CHAINRING_CONNECTIONS_MAX", default_value_t = PortLimits::default().connections_max)]
    connections_max: usize,

    /// How many connections each port may have at once of one address: of IPv4, or of a network of IPv6 (64 bits)
    #[arg(long, value_name = "CONNECTIONS", env = "CHAINRING_CONNECTIONS_OF_ADDRESS_MAX", default_value_t = PortLimits::default().connections_of_address_max)]
    connections_of_address_max: usize,

    /// How many bytes the line and headers of a request may take
    #[arg(long, value_name = "BYTES", env = "CHAINRING_HEAD_BYTES_MAX", default_value_t = PortLimits::default().head_bytes_max)]
    head_bytes_max: usize,

    /// How long the head of a request may take, then its body, and before it the first byte of a
    /// new connection, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_RECEIVE_DEADLINE_MS", default_value_t = PortLimits::RECEIVE_DEADLINE_MS)]
    receive_deadline_ms: u64,

    /// How long a connection may be idle, in milliseconds; proxies in front should close theirs
    /// earlier
    #[arg(long, value_name = "MS", env = "CHAINRING_IDLE_DEADLINE_MS", default_value_t = PortLimits::IDLE_DEADLINE_MS)]
    idle_deadline_ms: u64,
}

impl PortArgs {
    /// The limits.
    ///
    /// # Errors
    ///
    /// Names a limit within which nobody could be served.
    pub fn limits(&self) -> Result<PortLimits, InvalidLimits> {
        let limits = PortLimits {
            connections_max: self.connections_max,
            connections_of_address_max: self.connections_of_address_max,
            head_bytes_max: self.head_bytes_max,
            receive_deadline: Duration::from_millis(self.receive_deadline_ms),
            idle_deadline: Duration::from_millis(self.idle_deadline_ms),
        };
        limits.validate()?;
        Ok(limits)
    }
}
