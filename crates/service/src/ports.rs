//! The flags for the limits of a port's peers.

use std::time::Duration;

use port::{InvalidLimits, PortLimits};

/// The limits of the peers of each port.
#[derive(Debug, Clone, clap::Args)]
pub struct PortArgs {
    /// Most connections at once for each port
    #[arg(long, value_name = "CONNECTIONS", env = "CHAINRING_CONNECTIONS_MAX", default_value_t = PortLimits::default().connections_max)]
    connections_max: usize,

    /// Most connections at once for each port from one address: of IPv4, or of a network of IPv6
    /// (64 bits)
    #[arg(long, value_name = "CONNECTIONS", env = "CHAINRING_CONNECTIONS_OF_ADDRESS_MAX", default_value_t = PortLimits::default().connections_of_address_max)]
    connections_of_address_max: usize,

    /// Most bytes in the line and headers of a request
    #[arg(long, value_name = "BYTES", env = "CHAINRING_HEAD_BYTES_MAX", default_value_t = PortLimits::default().head_bytes_max)]
    head_bytes_max: usize,

    /// Longest time for the head of a request, then for its body, and before it for the first
    /// byte of a new connection, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_RECEIVE_DEADLINE_MS", default_value_t = PortLimits::RECEIVE_DEADLINE_MS)]
    receive_deadline_ms: u64,

    /// Longest time that a connection may be idle, in milliseconds; proxies in front should
    /// close theirs earlier
    #[arg(long, value_name = "MS", env = "CHAINRING_IDLE_DEADLINE_MS", default_value_t = PortLimits::IDLE_DEADLINE_MS)]
    idle_deadline_ms: u64,
}

impl PortArgs {
    /// The limits of a port.
    ///
    /// # Errors
    ///
    /// Names a limit with which no peer could be served.
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
