//! Configuration: the arguments as given, and the resolved values.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use link::{InvalidSettings, Settings};
use port::{HostName, Hosts, InvalidLimits, PortLimits, TIME_MAX};
use process::secret::SecretError;
use process::tokens::TokensError;
use protocol::hello::Secret;
use protocol::id::NodeId;
use ring_core::gateway::{GatewaySettings, NodeLimits};
use ring_core::placement::{InvalidRing, Ring};
use service::common::CommonArgs;
use service::disk::DISK_DEADLINE;

use crate::access::Access;

/// The size of the largest body that is read to its end before it is refused, in bytes. Many
/// clients do not listen for an answer while they still send: without this they would report a
/// broken connection instead.
pub(crate) const REFUSED_BODY_BYTES_MAX: usize = 1 << 20;

/// The assumed maximum for one view change: to decide, save and publish it, and to store it at
/// a node.
const VIEW_CHANGE: Duration = Duration::from_millis(500);

/// How many times to yield before sending a frame to a node, so that more messages join it.
/// With four turns, the frames of a busy gateway hold twice as many messages as with one.
const TURNS: u32 = 4;

/// The default limit for the body of a request, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The smallest allowed limit. With a lower one, some valid users could not be created.
const BODY_BYTES_LEAST: usize = 8 << 10;

/// The arguments of a gateway. Each has an environment variable too.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "gateway", about = "The gateway of a Chainring: serves REST and links the nodes")]
pub struct Args {
    /// The ids of the nodes in ring order, separated by commas; fixed once the cluster is
    /// formed
    #[arg(
        long,
        value_name = "IDS",
        env = "CHAINRING_RING_NODES",
        value_delimiter = ',',
        required = true
    )]
    pub nodes: Vec<NodeId>,

    /// Directory of the cluster's state; created if it is missing
    #[arg(long, value_name = "DIR", env = "CHAINRING_STATE_DIR")]
    pub state: PathBuf,

    /// The address for REST and for the nodes
    #[arg(long, value_name = "IP", env = "CHAINRING_LISTEN_ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,

    /// The port of REST; 0 takes any free port
    #[arg(long, value_name = "PORT", env = "CHAINRING_REST_PORT", default_value_t = 3001)]
    pub rest_port: u16,

    /// The port of socket.io, for the nodes and for observers; 0 takes any free port
    #[arg(long, value_name = "PORT", env = "CHAINRING_SOCKET_PORT", default_value_t = 3002)]
    pub socket_port: u16,

    /// The maximum time for a request, in milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_REQUEST_DEADLINE_MS", default_value_t = 5000)]
    pub request_deadline_ms: u64,

    /// How long the gateway waits for nodes after its start before it goes on without them, in
    /// milliseconds
    #[arg(long, value_name = "MS", env = "CHAINRING_GRACE_MS", default_value_t = 2000)]
    pub grace_ms: u64,

    /// The maximum number of requests under way at once
    #[arg(long, value_name = "REQUESTS", env = "CHAINRING_IN_FLIGHT_MAX", default_value = "16384")]
    pub in_flight_max: NonZeroUsize,

    /// The maximum number of reads under way at each node; further reads wait in the gateway,
    /// and get 503 when they have waited too long
    #[arg(long, value_name = "READS", env = "CHAINRING_READS_OF_NODE_MAX", default_value = "512")]
    pub reads_of_node_max: NonZeroUsize,

    /// The maximum number of updates under way at a node, half of it while all nodes are busy;
    /// further updates wait in the gateway, and get 503 when they have waited too long
    #[arg(
        long,
        value_name = "UPDATES",
        env = "CHAINRING_UPDATES_OF_NODE_MAX",
        default_value = "256"
    )]
    pub updates_of_node_max: NonZeroUsize,

    /// The maximum size of a request's body, in bytes
    #[arg(long, value_name = "BYTES", env = "CHAINRING_BODY_BYTES_MAX", default_value_t = BODY_BYTES_MAX)]
    pub body_bytes_max: usize,

    /// The maximum number of packets that may wait for a slow observer; an observer with more
    /// is cut off
    #[arg(long, value_name = "PACKETS", env = "CHAINRING_OBSERVER_PACKETS_MAX", default_value_t = Settings::default().observer_packets_max)]
    pub observer_packets_max: usize,

    /// The number of threads; by default half of the processors
    #[arg(long, value_name = "THREADS", env = "CHAINRING_GATEWAY_THREADS")]
    pub threads: Option<NonZeroUsize>,

    /// Name the answering copy in a header of each response
    #[arg(long, env = "CHAINRING_EXPOSE_SERVED_BY", value_parser = BoolishValueParser::new())]
    pub expose_served_by: bool,

    /// File with the API tokens: each line has a role (read, write or admin) and the SHA-256 of
    /// a token; read again when it changes
    #[arg(long, value_name = "FILE", env = "CHAINRING_API_TOKENS_FILE")]
    pub tokens_file: Option<PathBuf>,

    /// Serve REST beyond this machine without --tokens-file, although anyone may then do
    /// anything
    #[arg(long, env = "CHAINRING_INSECURE", value_parser = BoolishValueParser::new())]
    pub insecure: bool,

    /// A host name of the gateway, such as gateway.example; may be given several times. Without
    /// --tokens-file the gateway answers only requests to these names, to localhost and to
    /// addresses, to keep out pages of other sites
    #[arg(long = "host", value_name = "NAME", env = "CHAINRING_HOSTS", value_delimiter = ',')]
    pub hosts: Vec<HostName>,

    /// The arguments of both services.
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Args {
    /// Access control as given. It reads the file of tokens.
    ///
    /// # Errors
    ///
    /// See [`Access::from_file`].
    pub fn access(&self) -> Result<Access, TokensError> {
        match &self.tokens_file {
            Some(path) => Access::from_file(path),
            None => Ok(Access::Hosts(Hosts::Named(self.hosts.clone()))),
        }
    }
}

/// The resolved configuration of a gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// The nodes in ring order.
    pub ring: Ring,
    /// The cluster's secret.
    pub secret: Secret,
    /// The times and sizes of links.
    pub links: Settings,
    /// The limits of each port for its peers.
    pub port_limits: PortLimits,
    /// The settings of the core.
    pub gateway_settings: GatewaySettings,
    /// The maximum time for a request.
    pub request_deadline: Duration,
    /// The maximum time to save the cluster's state. When it passes, the gateway ends.
    pub disk_deadline: Duration,
    /// The maximum size of a request's body, in bytes.
    pub body_bytes_max: usize,
    /// Whether responses name the answering copy.
    pub served_by: ServedByHeader,
}

/// Whether responses name the answering copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedByHeader {
    /// Responses do not name it.
    Hidden,
    /// Responses name node, copy and epoch, in the header `chainring-served-by`.
    Shown,
}

/// Invalid arguments.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The nodes do not form a ring.
    #[error(transparent)]
    Ring(#[from] InvalidRing),
    /// There is no usable secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// With these times no link could live.
    #[error(transparent)]
    Links(#[from] InvalidSettings),
    /// With these limits no peer could be served.
    #[error(transparent)]
    Ports(#[from] InvalidLimits),
    /// Anyone could do anything.
    #[error(
        "anyone who reaches {0} could read and change all users: give --tokens-file, or --insecure if that is what you want, or \
         listen on 127.0.0.1"
    )]
    Unprotected(IpAddr),
    /// A deadline or grace period is uselessly long.
    #[error(
        "a request deadline or a grace period above an hour has no use: lower --request-deadline-ms or --grace-ms"
    )]
    TooLong,
    /// With a lower limit some users could not be created; with a higher one bodies could fill
    /// the memory.
    #[error(
        "a limit of {0} bytes for bodies makes no sense: give --body-bytes-max at least {BODY_BYTES_LEAST} and at most \
         {REFUSED_BODY_BYTES_MAX}"
    )]
    BodyBytes(usize),
    /// Requests would end before the cluster could react to the loss of a node.
    #[error(
        "a request deadline of {deadline:?} is too short: it takes up to {needed:?} to notice the loss of a node and to \
         change views; raise --request-deadline-ms, or lower the heartbeat times"
    )]
    DeadlineTooShort {
        /// The given deadline.
        deadline: Duration,
        /// The time for the reaction: the deadline must be longer.
        needed: Duration,
    },
}

impl Config {
    /// A configuration with the default times.
    pub fn new(ring: Ring, secret: Secret) -> Self {
        Self {
            ring,
            secret,
            links: Settings { turns_before_frame: TURNS, ..Settings::default() },
            port_limits: PortLimits::default(),
            gateway_settings: GatewaySettings::default(),
            request_deadline: Duration::from_secs(5),
            disk_deadline: DISK_DEADLINE,
            body_bytes_max: BODY_BYTES_MAX,
            served_by: ServedByHeader::Hidden,
        }
    }

    /// Checks values against their ranges and against each other.
    ///
    /// # Errors
    ///
    /// Returns an error if a request's deadline leaves no time to notice a loss and to make two
    /// view changes; if it or the grace period is longer than an hour; if links could not live;
    /// or if the limit of bodies is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.links.validate()?;
        if !(BODY_BYTES_LEAST..=REFUSED_BODY_BYTES_MAX).contains(&self.body_bytes_max) {
            return Err(ConfigError::BodyBytes(self.body_bytes_max));
        }
        let grace = self.gateway_settings.grace;
        if self.request_deadline.max(grace) > TIME_MAX {
            return Err(ConfigError::TooLong);
        }
        let (deadline, needed) = (self.request_deadline, self.links.detection() + 2 * VIEW_CHANGE);
        if deadline > needed {
            Ok(())
        } else {
            Err(ConfigError::DeadlineTooShort { deadline, needed })
        }
    }

    /// Makes the configuration from the arguments.
    ///
    /// # Errors
    ///
    /// Returns an error if the arguments are invalid, or if the secret or the nodes cannot be
    /// used.
    pub fn from_args(args: &Args) -> Result<Self, ConfigError> {
        if !args.listen.is_loopback() && args.tokens_file.is_none() && !args.insecure {
            return Err(ConfigError::Unprotected(args.listen));
        }
        let config = Self {
            links: Settings {
                observer_packets_max: args.observer_packets_max,
                turns_before_frame: TURNS,
                ..args.common.links.settings()?
            },
            port_limits: args.common.ports.limits()?,
            gateway_settings: GatewaySettings {
                grace: Duration::from_millis(args.grace_ms),
                in_flight_max: args.in_flight_max.get(),
                node_limits: NodeLimits {
                    reads_max: args.reads_of_node_max.get(),
                    updates_max: args.updates_of_node_max.get(),
                },
            },
            request_deadline: Duration::from_millis(args.request_deadline_ms),
            disk_deadline: args.common.disk.deadline(),
            body_bytes_max: args.body_bytes_max,
            served_by: if args.expose_served_by {
                ServedByHeader::Shown
            } else {
                ServedByHeader::Hidden
            },
            ..Self::new(Ring::new(args.nodes.clone())?, args.common.secret.read()?)
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
    fn every_flag_has_a_variable_with_the_prefix() {
        use clap::CommandFactory;
        for argument in Args::command().get_arguments().filter(|argument| !argument.is_hide_set()) {
            let variable = argument.get_env().and_then(|variable| variable.to_str());
            assert!(variable.is_some_and(|name| name.starts_with("CHAINRING_")), "{argument}");
        }
    }

    #[test]
    fn the_flags_have_the_defaults_of_the_settings() {
        use clap::Parser;
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "correct horse").unwrap();
        let flags = ["gateway", "--nodes", "a,b", "--state", "state", "--secret-file"];
        let args =
            Args::parse_from(flags.map(Into::into).into_iter().chain([secret.into_os_string()]));
        let config = Config::from_args(&args).unwrap();
        let usual = Config::new(config.ring.clone(), config.secret.clone());
        let numbers = |config: &Config| {
            let Config {
                gateway_settings,
                request_deadline,
                links,
                port_limits,
                body_bytes_max,
                ..
            } = config.clone();
            (gateway_settings, request_deadline, links, port_limits, body_bytes_max)
        };
        assert_eq!(numbers(&config), numbers(&usual));
    }

    #[test]
    fn a_deadline_must_leave_time_to_notice_a_loss() {
        let ring = Ring::new(vec!["a".parse().unwrap(), "b".parse().unwrap()]).unwrap();
        let mut config = Config::new(ring, Secret::new("correct horse").unwrap());
        assert!(config.validate().is_ok());
        config.request_deadline = config.links.detection() + 2 * VIEW_CHANGE;
        assert!(matches!(config.validate(), Err(ConfigError::DeadlineTooShort { .. })));
        config.request_deadline = Duration::MAX;
        assert!(matches!(config.validate(), Err(ConfigError::TooLong)));
    }
}
