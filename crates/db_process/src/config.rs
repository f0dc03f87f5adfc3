//! Configuration: the arguments as given, and their resolved form.

mod address;
mod args;
mod memory;

use std::time::Duration;

use link::{InvalidSettings, Settings};
use port::{InvalidLimits, PortLimits};
use process::secret::SecretError;
use protocol::hello::Secret;
use protocol::id::NodeId;
use ring_core::node::NodeSettings;

use crate::storage::bytes_of_mib;
use crate::store::RECORD_CACHE_MIB;

pub use address::AnnounceError;
pub use args::{Args, PlaceArgs};
pub use memory::MemoryArgs;

/// The resolved configuration of a node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node's id.
    pub node: NodeId,
    /// `host:port` of the gateway.
    pub gateway: String,
    /// The address for other nodes to dial. If it is `None`, they dial the listener's own
    /// address.
    pub advertise: Option<String>,
    /// The cluster's secret.
    pub secret: Secret,
    /// The times and sizes of links.
    pub links: Settings,
    /// The limits of the port for its peers.
    pub port_limits: PortLimits,
    /// The settings of the core.
    pub node_settings: NodeSettings,
    /// The memory for recently read records, in bytes.
    pub record_cache_bytes: usize,
}

/// Arguments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The secret is missing or cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// With these settings no link could live.
    #[error(transparent)]
    Links(#[from] InvalidSettings),
    /// With these limits no peer could be served.
    #[error(transparent)]
    Ports(#[from] InvalidLimits),
}

impl Config {
    /// A configuration with the default times and sizes.
    pub fn new(node: NodeId, gateway: impl Into<String>, secret: Secret) -> Self {
        Self {
            node,
            gateway: gateway.into(),
            advertise: None,
            secret,
            links: Settings::default(),
            port_limits: PortLimits::default(),
            node_settings: NodeSettings::default(),
            record_cache_bytes: bytes_of_mib(RECORD_CACHE_MIB),
        }
    }

    /// Makes the configuration from the arguments.
    ///
    /// # Errors
    ///
    /// When an argument cannot be used. The error names it.
    pub fn from_args(args: &Args) -> Result<Self, ConfigError> {
        let config =
            Self::new(args.node_id.clone(), args.gateway.clone(), args.common.secret.read()?);
        let node_settings = NodeSettings {
            log_entries_kept: args.log_entries_kept,
            log_bytes_kept: args.log_mib_kept.saturating_mul(1 << 20),
            scrub_pause: Duration::from_millis(args.scrub_pause_ms),
            disk_deadline: args.common.disk.deadline(),
            ..config.node_settings
        };
        let links = args.common.links.settings()?;
        Ok(Self {
            advertise: args.advertise.clone(),
            links,
            port_limits: args.common.ports.limits()?,
            node_settings,
            record_cache_bytes: args.memory.record_cache_bytes(),
            ..config
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_those_that_the_help_shows() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable_with_the_prefix() {
        use clap::CommandFactory;
        for argument in Args::command().get_arguments().filter(|argument| !argument.is_hide_set()) {
            let variable = argument.get_env().and_then(|variable| variable.to_str());
            assert!(variable.is_some_and(|name| name.starts_with("CHAINRING_")), "{argument}");
        }
    }
}
