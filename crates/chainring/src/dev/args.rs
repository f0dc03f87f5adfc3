//! The arguments of `chainring dev`.

use std::path::PathBuf;

/// Arguments of `chainring dev`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number of nodes; fixed by the first start with a data directory
    #[arg(long, value_name = "NODES", default_value_t = 3)]
    pub(super) nodes: usize,

    /// Directory for the data between runs
    #[arg(long, value_name = "DIR", default_value = "data", conflicts_with = "memory")]
    pub(super) data: PathBuf,

    /// Keep the users in memory only: a killed node returns empty and is restored, and no data
    /// is left at the end
    #[arg(long)]
    pub(super) memory: bool,

    /// The port of REST
    #[arg(long, value_name = "PORT", env = "CHAINRING_REST_PORT", default_value_t = 3001)]
    pub(super) rest_port: u16,

    /// The port of socket.io
    #[arg(long, value_name = "PORT", env = "CHAINRING_SOCKET_PORT", default_value_t = 3002)]
    pub(super) socket_port: u16,
}
