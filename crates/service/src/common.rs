//! The flags common to both services.

use process::log::LogArgs;
use process::secret::SecretArgs;
use process::shutdown::ShutdownArgs;

use crate::disk::DiskArgs;
use crate::links::LinkArgs;
use crate::ports::PortArgs;
use crate::tls::TlsArgs;

/// The arguments common to a gateway and a node.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonArgs {
    /// The cluster's secret.
    #[command(flatten)]
    pub secret: SecretArgs,

    /// The times of links.
    #[command(flatten)]
    pub links: LinkArgs,

    /// The limits of each port for its peers.
    #[command(flatten)]
    pub ports: PortArgs,

    /// Certificates.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// The time limit for the disk.
    #[command(flatten)]
    pub disk: DiskArgs,

    /// The log.
    #[command(flatten)]
    pub log: LogArgs,

    /// The events that end the process.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}
