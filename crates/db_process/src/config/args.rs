//! The arguments of a db_process.

use std::net::SocketAddr;
use std::path::PathBuf;

use protocol::id::NodeId;
use service::common::CommonArgs;

use super::address;
use super::memory::MemoryArgs;

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

    /// The address to listen on for the node before this one in the ring; port 0 takes any
    /// free port
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CHAINRING_DB_LISTEN",
        default_value = "127.0.0.1:0"
    )]
    pub listen: SocketAddr,

    /// The address for other nodes to dial, if it differs from --listen: host:port. Without it,
    /// a node with a --listen of 0.0.0.0 or `[::]` announces the local address of its connection
    /// to the gateway
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

    /// The arguments of both services.
    #[command(flatten)]
    pub common: CommonArgs,
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
