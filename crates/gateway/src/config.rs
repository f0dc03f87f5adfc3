//! Configuration: as it is given, and as it is used.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use link::{InvalidSettings, Settings};
use process::links::LinkArgs;
use process::log::LogArgs;
use process::secret::{SecretArgs, SecretError};
use protocol::hello::Secret;
use protocol::id::NodeId;
use ring::gateway::GatewaySettings;
use ring::placement::{InvalidRing, Ring};

/// How long a view change is taken to last at most: deciding, saving, publishing, storing at a node.
const VIEW_CHANGE: Duration = Duration::from_millis(500);

/// The arguments of a gateway; each has an environment variable too.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "gateway",
    version,
    about = "The gateway of a Chainring: serves REST and links the nodes"
)]
pub struct Args {
    /// The ids of the nodes, in the ring's order, with commas between them; fixed once the cluster is formed
    #[arg(long, value_name = "IDS", env = "RING_NODES", value_delimiter = ',', required = true)]
    pub nodes: Vec<NodeId>,

    /// Directory of the cluster's state; made if it is missing
    #[arg(long, value_name = "DIR", env = "STATE_DIR")]
    pub state: PathBuf,

    /// The address on which REST and the nodes are served
    #[arg(long, value_name = "IP", env = "LISTEN_ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,

    /// The port of REST; 0 takes any that is free
    #[arg(long, value_name = "PORT", env = "REST_PORT", default_value_t = 3001)]
    pub rest_port: u16,

    /// The port of socket.io, for the nodes and for observers; 0 takes any that is free
    #[arg(long, value_name = "PORT", env = "SOCKET_PORT", default_value_t = 3002)]
    pub socket_port: u16,

    /// How long a request may take, in milliseconds
    #[arg(long, value_name = "MS", env = "REQUEST_DEADLINE_MS", default_value_t = 5000)]
    pub request_deadline_ms: u64,

    /// How long after its start the gateway waits for nodes before it goes on without them, in milliseconds
    #[arg(long, value_name = "MS", env = "GRACE_MS", default_value_t = 2000)]
    pub grace_ms: u64,

    /// How many requests may be under way at once
    #[arg(long, value_name = "REQUESTS", env = "IN_FLIGHT_MAX", default_value_t = 16_384)]
    pub in_flight_max: usize,

    /// How many threads serve; half of the processors unless told
    #[arg(long, value_name = "THREADS", env = "GATEWAY_THREADS")]
    pub threads: Option<NonZeroUsize>,

    /// Tell in a header of each response which copy answered
    #[arg(long, env = "EXPOSE_SERVED_BY")]
    pub expose_served_by: bool,

    /// The cluster's secret.
    #[command(flatten)]
    pub secret: SecretArgs,

    /// The times of links.
    #[command(flatten)]
    pub links: LinkArgs,

    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What a gateway needs to know, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The nodes in their order.
    pub ring: Ring,
    /// The cluster's secret.
    pub secret: Secret,
    /// The times and sizes of links.
    pub links: Settings,
    /// What the core may be told.
    pub gateway_settings: GatewaySettings,
    /// How long a request may take.
    pub request_deadline: Duration,
    /// What responses say of who answered.
    pub served_by: ServedByHeader,
}

/// What responses say of who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedByHeader {
    /// Nothing.
    Hidden,
    /// Node, copy and epoch, in the header `chainring-served-by`.
    Shown,
}

/// Arguments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The nodes make no ring.
    #[error(transparent)]
    Ring(#[from] InvalidRing),
    /// There is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No link could live.
    #[error(transparent)]
    Links(#[from] InvalidSettings),
    /// Requests would end before the cluster could react to the loss of a node.
    #[error(
        "a request deadline of {deadline:?} is too short: it takes up to {needed:?} to notice the loss of a node and to \
         change views; raise --request-deadline-ms, or lower the heartbeat times"
    )]
    DeadlineTooShort {
        /// What was asked for.
        deadline: Duration,
        /// What must fit in.
        needed: Duration,
    },
}

impl Config {
    /// A configuration with the usual times.
    pub fn new(ring: Ring, secret: Secret) -> Self {
        Self {
            ring,
            secret,
            links: Settings::default(),
            gateway_settings: GatewaySettings::default(),
            request_deadline: Duration::from_secs(5),
            served_by: ServedByHeader::Hidden,
        }
    }

    /// Checks what only makes sense together.
    ///
    /// # Errors
    ///
    /// When a request's deadline leaves no room for noticing a loss and two view changes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (deadline, needed) = (self.request_deadline, self.links.detection() + 2 * VIEW_CHANGE);
        if deadline > needed {
            Ok(())
        } else {
            Err(ConfigError::DeadlineTooShort { deadline, needed })
        }
    }
}

impl TryFrom<&Args> for Config {
    type Error = ConfigError;

    fn try_from(args: &Args) -> Result<Self, ConfigError> {
        let config = Self {
            links: args.links.settings()?,
            gateway_settings: GatewaySettings {
                grace: Duration::from_millis(args.grace_ms),
                in_flight_max: args.in_flight_max,
            },
            request_deadline: Duration::from_millis(args.request_deadline_ms),
            served_by: if args.expose_served_by {
                ServedByHeader::Shown
            } else {
                ServedByHeader::Hidden
            },
            ..Self::new(Ring::new(args.nodes.clone())?, args.secret.read()?)
        };
        config.validate()?;
        Ok(config)
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
    fn a_deadline_must_leave_time_to_notice_a_loss() {
        let ring = Ring::new(vec!["a".parse().unwrap(), "b".parse().unwrap()]).unwrap();
        let mut config = Config::new(ring, Secret::new("correct horse").unwrap());
        assert!(config.validate().is_ok());
        config.request_deadline = config.links.detection() + 2 * VIEW_CHANGE;
        assert!(matches!(config.validate(), Err(ConfigError::DeadlineTooShort { .. })));
    }
}
