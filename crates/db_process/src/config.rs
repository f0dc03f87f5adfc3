//! Configuration: the arguments as given, and their resolved form.

mod address;
mod memory;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use link::{InvalidSettings, Settings};
use port::{InvalidLimits, Port};
use process::log::LogArgs;
use process::secret::{SecretArgs, SecretError};
use process::shutdown::ShutdownArgs;
use protocol::hello::Secret;
use protocol::id::NodeId;
use ring_core::node::NodeSettings;
use service::disk::DiskArgs;
use service::links::LinkArgs;
use service::ports::PortArgs;
use service::tls::{Tls, TlsArgs};

use crate::storage::bytes_of_mib;
use crate::store::RECORD_CACHE_MIB;

pub use address::AnnounceError;
pub use memory::MemoryArgs;

/// The arguments of a db_process; each has an environment variable too.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "db_process", about = "A node of a Chainring: keeps users in RocksDB")]
pub struct Args {
    /// The node's id, one of the ids given to the gateway
    #[arg(long, value_name = "ID", env = "CHAINRING_DB_INSTANCE_ID")]
    pub node_id: NodeId,

    /// Where the gateway serves its nodes: host:port, or http://host:port
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CHAINRING_SOCKET_SERVER_URL",
        default_value = "127.0.0.1:3002",
        value_parser = address::of_gateway
    )]
    pub gateway: String,

    /// Where the data is.
    #[command(flatten)]
    pub place: PlaceArgs,

    /// Where to serve the node before this one in the ring; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CHAINRING_DB_LISTEN",
        default_value = "127.0.0.1:0"
    )]
    pub listen: SocketAddr,

    /// The address for other nodes to dial, if it differs from --listen: host:port. Without it,
    /// a --listen of 0.0.0.0 or `[::]` is announced as the address of this machine on the way to
    /// the gateway
    #[arg(long, value_name = "ADDRESS", env = "CHAINRING_DB_ADVERTISE", value_parser = address::to_dial)]
    pub advertise: Option<String>,

    /// How many entries of each log to keep for a node that was away: if it misses more, it is
    /// sent a snapshot. The default is enough for ten seconds at full load
    #[arg(
        long,
        value_name = "ENTRIES",
        env = "CHAINRING_LOG_ENTRIES_KEPT",
        default_value_t = 200_000
    )]
    pub log_entries_kept: u64,

    /// How many MiB of entries to keep of each log, at most
    #[arg(long, value_name = "MIB", env = "CHAINRING_LOG_MIB_KEPT", default_value_t = 64)]
    pub log_mib_kept: usize,

    /// How long to pause the comparison of both copies after every few hundred rows, in
    /// milliseconds
    #[arg(
        long,
        value_name = "MS",
        env = "CHAINRING_SCRUB_PAUSE_MS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=3_600_000)
    )]
    pub scrub_pause_ms: u64,

    /// The memory.
    #[command(flatten)]
    pub memory: MemoryArgs,

    /// The cluster's secret.
    #[command(flatten)]
    pub secret: SecretArgs,

    /// The times of links.
    #[command(flatten)]
    pub links: LinkArgs,

    /// How much of the port peers may use.
    #[command(flatten)]
    pub ports: PortArgs,

    /// Certificates.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// How long the disk may take.
    #[command(flatten)]
    pub disk: DiskArgs,

    /// The log.
    #[command(flatten)]
    pub log: LogArgs,

    /// The events that end the process.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}

/// Where a node keeps its data.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct PlaceArgs {
    /// Directory of the node's data; made if it is missing
    #[arg(long, value_name = "DIR", env = "CHAINRING_DATA_DIR")]
    pub data: Option<PathBuf>,

    /// Keep the data in memory: a node that ends returns empty, and is restored by its
    /// neighbours. For trying Chainring out
    #[arg(long, env = "CHAINRING_MEMORY")]
    pub memory: bool,
}

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
    /// How the node before this one is served.
    pub port: Port,
    /// The settings of the core.
    pub node_settings: NodeSettings,
    /// The memory for recently read records, in bytes.
    pub record_cache_bytes: usize,
    /// The delay before the first attempt to connect again; it doubles up to
    /// [`backoff_max`](Self::backoff_max).
    pub backoff_first: Duration,
    /// The longest delay between two attempts to connect.
    pub backoff_max: Duration,
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
            port: Port::default(),
            node_settings: NodeSettings::default(),
            record_cache_bytes: bytes_of_mib(RECORD_CACHE_MIB),
            backoff_first: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// How long the node keeps trying while the gateway tells it to wait. The usual obstacle is
    /// the link of this node's previous process. The gateway needs up to one detection time to
    /// notice the loss of that link; this is three times as long.
    pub(crate) fn wait_max(&self) -> Duration {
        3 * self.links.detection()
    }
}

impl Config {
    /// Makes the configuration from the arguments and the loaded certificates.
    ///
    /// # Errors
    ///
    /// When an argument cannot be used. The error names it.
    pub fn from_args(args: &Args, tls: &Tls) -> Result<Self, ConfigError> {
        let config = Self::new(args.node_id.clone(), args.gateway.clone(), args.secret.read()?);
        let node_settings = NodeSettings {
            log_entries_kept: args.log_entries_kept,
            log_bytes_kept: args.log_mib_kept.saturating_mul(1 << 20),
            scrub_pause: Duration::from_millis(args.scrub_pause_ms),
            disk_deadline: args.disk.deadline(),
            ..config.node_settings
        };
        let links = args.links.settings()?;
        Ok(Self {
            advertise: args.advertise.clone(),
            links,
            port: Port { limits: args.ports.limits()?, tls: tls.for_links(), ..Port::default() },
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
