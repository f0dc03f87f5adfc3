//! A node of the ring, as a process.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use db_process::storage::rocks::RocksStorage;
use db_process::{Args, Config, Deps};
use process::descriptors;
use process::entropy::SystemEntropy;
use process::threads::SystemThreads;
use tokio::net::TcpListener;

/// The links of a node take little of one thread, and where they share it nobody has to be woken for an answer. What waits for the
/// disk to write has threads of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    process::exit::code(run(Args::parse()).await)
}

async fn run(args: Args) -> anyhow::Result<()> {
    args.log.start();
    let tls = args.tls.of_node()?;
    let config = Config::from_args(&args, &tls)?;
    descriptors::allow(config.port.limits.connections_max)?;
    let shutdown = process::shutdown::on_signal()?;
    let storage = RocksStorage::open(&args.data, &args.memory.rocks_settings())
        .with_context(|| format!("the data directory {} cannot be used", args.data.display()))?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another --listen", args.listen))?;
    let connector = tls.connector();
    tokio::spawn(tls.follow(Arc::new(SystemThreads)));
    let deps = Deps {
        address: listener.local_addr()?.to_string(),
        listener: link::nodelay(listener),
        connector,
        storage: Arc::new(storage),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    Ok(db_process::run(config, deps, shutdown).await?)
}
