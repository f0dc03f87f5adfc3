//! The gateway, as a process.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use gateway::state::StateDirectory;
use gateway::{Args, Config, Deps};
use process::entropy::SystemEntropy;
use process::threads::SystemThreads;
use tokio::net::TcpListener;
use tracing::info;

#[tokio::main]
async fn main() -> ExitCode {
    process::exit::code(run(Args::parse()).await)
}

async fn run(args: Args) -> anyhow::Result<()> {
    args.log.start();
    let config = Config::try_from(&args)?;
    let shutdown = process::shutdown::on_signal()?;
    let state = StateDirectory::open(&args.state)?;
    let rest = listen(SocketAddr::new(args.listen, args.rest_port), "--rest-port").await?;
    let socket = listen(SocketAddr::new(args.listen, args.socket_port), "--socket-port").await?;
    info!(rest = %rest.local_addr()?, socket = %socket.local_addr()?, "listening");
    let deps = Deps {
        rest: link::nodelay(rest),
        socket: link::nodelay(socket),
        state: Arc::new(state),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    Ok(gateway::run(config, deps, shutdown).await?)
}

async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}: choose another {flag}"))
}
