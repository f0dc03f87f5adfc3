//! The gateway as a process.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::Context;
use gateway::state::StateDirectory;
use gateway::{Access, Args, Config, Deps};
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
use tracing::{info, warn};

fn main() -> ExitCode {
    files::keep_private();
    let (args, origins) = flags::parse::<Args>(FORMER_NAMES, version::VERSION);
    process::exit::code(start(args, &origins))
}

fn start(args: Args, origins: &Origins) -> anyhow::Result<()> {
    let threads = args.threads.map_or_else(half_of_the_processors, NonZeroUsize::get);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.context("the operating system gives no threads")?;
    args.common.log.start().context("the operating system gives no thread for the log")?;
    origins.warn();
    let configured = configure(&args).map_err(|error| origins.explain_arguments(error))?;
    let outcome = runtime.block_on(run(args, configured));
    // This does not wait for blocking calls: a disk may not answer them.
    runtime.shutdown_background();
    outcome.map_err(|error| origins.explain(error))
}

/// Everything made from the arguments.
struct Configured {
    config: Config,
    access: Access,
    tls: Tls,
}

/// Makes the configuration from the arguments, and reads the files named there.
fn configure(args: &Args) -> anyhow::Result<Configured> {
    let tls = args.common.tls.of_gateway()?;
    let config = Config::from_args(args)?;
    // The factor two: there are two ports.
    descriptors::allow(config.port_limits.connections_max.saturating_mul(2))?;
    Ok(Configured { config, access: args.access()?, tls })
}

/// The other half is left to the kernel, for its part in sending and receiving. More threads
/// would only hand requests to each other and wait for each other: a request would cost a third
/// more processor time.
fn half_of_the_processors() -> usize {
    available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

async fn run(args: Args, configured: Configured) -> anyhow::Result<()> {
    let Configured { config, access, tls } = configured;
    if !args.listen.is_loopback() && tls.for_clients().is_none() {
        warn!(
            "the cluster's secret, API tokens and users are sent as they are for all to see who are in between: give --tls-cert"
        );
    }
    let shutdown = args.common.shutdown.start()?;
    if let Some(path) = &args.tokens_file {
        tokio::spawn(access.clone().follow(path.clone(), Arc::new(SystemThreads)));
    }
    let watch = || StartWatch::begin(args.common.disk.deadline(), &args.state);
    let opening = watch()?;
    let state = StateDirectory::open(&args.state)?;
    drop(opening);
    let rest = listen(SocketAddr::new(args.listen, args.rest_port), "--rest-port").await?;
    let socket = listen(SocketAddr::new(args.listen, args.socket_port), "--socket-port").await?;
    info!(rest = %rest.local_addr()?, socket = %socket.local_addr()?, "listening");
    let deps = Deps {
        rest: port::nodelay(rest),
        rest_tls: tls.for_clients(),
        socket: port::nodelay(socket),
        socket_tls: tls.for_links(),
        access,
        state: Arc::new(state),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    tokio::spawn(tls.follow(Arc::new(SystemThreads)));
    Ok(watch()?.while_starting(gateway::run(config, deps, shutdown)).await?)
}

async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}: choose another {flag}"))
}
