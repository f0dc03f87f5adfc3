//! The program of a node: parses the arguments and runs the node.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
#[cfg(not(feature = "rocksdb"))]
use anyhow::bail;
#[cfg(feature = "rocksdb")]
use db_process::storage::rocks::RocksStorage;
use db_process::storage::{Storage, memory::MemoryDisk};
use db_process::{Args, Config, Deps, MemoryArgs};
use process::clock::SystemClock;
use process::entropy::SystemEntropy;
use process::flags::{FORMER_NAMES, Origins};
use process::threads::SystemThreads;
use process::{files, flags};
use service::descriptors;
use service::disk::StartWatch;
use service::tls::Tls;
use tokio::net::TcpListener;
use tokio::runtime;

fn main() -> ExitCode {
    files::keep_private();
    let (args, origins) = flags::parse::<Args>(FORMER_NAMES, version::VERSION);
    process::exit::code(start(args, &origins))
}

/// Runs the node on a runtime with one thread. The links need little of it, and on a shared
/// thread an answer wakes no other thread. Calls that wait for the disk run on threads of their
/// own.
fn start(args: Args, origins: &Origins) -> anyhow::Result<()> {
    args.common.log.start().context("the operating system gives no thread for the log")?;
    origins.warn();
    let (config, tls) = configure(&args).map_err(|error| origins.explain_arguments(error))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(run(args, config, tls));
    // Do not wait for blocking calls: the disk may never answer them.
    runtime.shutdown_background();
    outcome.map_err(|error| origins.explain(error))
}

/// The configuration from the arguments, and the certificates named there.
fn configure(args: &Args) -> anyhow::Result<(Config, Tls)> {
    let tls = args.common.tls.of_node()?;
    let config = Config::from_args(args)?;
    descriptors::allow(config.port_limits.connections_max)?;
    Ok((config, tls))
}

async fn run(args: Args, config: Config, tls: Tls) -> anyhow::Result<()> {
    let shutdown = args.common.shutdown.start()?;
    let place = args.place.data.clone().unwrap_or_else(|| PathBuf::from("(memory)"));
    let watch = || StartWatch::begin(args.common.disk.deadline(), &place);
    let opening = watch()?;
    let storage = match &args.place.data {
        Some(directory) => open(directory, &args.memory)?,
        None => Arc::new(MemoryDisk::new().open()),
    };
    drop(opening);
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another --listen", args.listen))?;
    let address = config.announced_address(listener.local_addr()?).await?;
    let deps = Deps {
        address,
        listener: port::nodelay(listener),
        tls: tls.for_links(),
        connector: tls.connector(),
        storage,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    tokio::spawn(tls.follow(Arc::new(SystemThreads)));
    Ok(watch()?.while_starting(db_process::run(config, deps, shutdown)).await?)
}

#[cfg(feature = "rocksdb")]
fn open(directory: &Path, memory: &MemoryArgs) -> anyhow::Result<Arc<dyn Storage>> {
    let storage = RocksStorage::open(directory, &memory.rocks_settings())
        .with_context(|| format!("the data directory {} cannot be used", directory.display()))?;
    Ok(Arc::new(storage))
}

#[cfg(not(feature = "rocksdb"))]
fn open(directory: &Path, _: &MemoryArgs) -> anyhow::Result<Arc<dyn Storage>> {
    bail!(
        "{} is not opened: this program was built without RocksDB, and has --memory only",
        directory.display()
    );
}
