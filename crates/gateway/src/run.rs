//! A gateway from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use port::{DeadlineListener, Listener, Port};
use protocol::id::{ClusterId, GatewayBoot};
use ring_core::gateway::{Gateway, RecoverError};
use service::clock::Clock;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::acceptor::LinkAcceptor;
use crate::config::Config;
use crate::deps::Deps;
use crate::driver::Driver;
use crate::rest;
use crate::state::StateError;

/// The maximum time to close the connections of clients, once all of their requests are
/// answered.
const FINISH_SLACK: Duration = Duration::from_millis(500);

/// Why a gateway ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster's state cannot be read, or could not be saved. A failed save is never tried
    /// again.
    #[error(transparent)]
    State(#[from] StateError),
    /// The gateway cannot go on from the cluster's state.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The core broke one of its own rules. Its state must not be used any more.
    #[error(
        "an assertion failed, see the log for the panic: start the gateway again, and report it"
    )]
    CoreBroken,
}

/// Runs a gateway until `shutdown` is cancelled. Then it takes no more requests, ends those
/// under way and returns. It waits at most the request deadline: requests still being received
/// then are not done.
///
/// # Errors
///
/// Returns the reason if the gateway cannot go on.
pub async fn run<R, S>(
    config: Config,
    deps: Deps<R, S>,
    shutdown: CancellationToken,
) -> Result<(), RunError>
where
    R: Listener<Addr = SocketAddr>,
    S: Listener<Addr = SocketAddr>,
{
    let Deps { rest, rest_tls, socket, socket_tls, access, state, clock, entropy, threads } = deps;
    let rest_port = Port::new(config.port_limits.clone(), rest_tls);
    let link_port = Port::new(config.port_limits.clone(), socket_tls);
    let saved = state.load()?;
    let clock = Clock::start(clock);
    let (boot, cluster) = (GatewayBoot(entropy.uuid()), ClusterId(entropy.uuid()));
    info!(%boot, ring = ?config.ring.nodes(), formed = saved.is_some(), "gateway starts");
    let core = Gateway::recovered(
        config.ring.clone(),
        boot,
        cluster,
        saved,
        &config.gateway_settings,
        clock.now(),
    )?;
    let (driver, saves) = Driver::new(core, boot, clock, config.request_deadline);

    // Ends all spawned tasks, however this function ends.
    let ending = CancellationToken::new();
    let _end_all = ending.clone().drop_guard();
    let timer = Arc::clone(&driver);
    tokio::spawn(ending.clone().run_until_cancelled_owned(async move { timer.keep_time().await }));

    let hosts = access.hosts();
    let connections = Arc::clone(&link_port.connections);
    let acceptor = LinkAcceptor::new(
        Arc::clone(&driver),
        config.secret.clone(),
        access.clone(),
        Arc::clone(&connections),
    );
    let listener = link::listener(socket, &config.links);
    let server = link::server(acceptor, &config.links).for_pages_of(hosts);
    let end_links = ending.clone();
    tokio::spawn(async move {
        port::serve(listener, link_port, |connection| server.on(connection), end_links).await;
    });

    let listener = DeadlineListener::new(rest, config.links.write_deadline);
    let closing = shutdown.child_token();
    let ports = [("rest", Arc::clone(&rest_port.connections)), ("links", connections)];
    let driver_of_rest = Arc::clone(&driver);
    let service = rest::service(driver_of_rest, entropy, &config, access, ports, closing.clone());
    let serving = port::serve(listener, rest_port, |_| service.clone(), closing.clone());
    let serving = serving.shared();
    let out_of_time = async {
        shutdown.cancelled().await;
        tokio::time::sleep(config.request_deadline).await;
    };

    let outcome = tokio::select! {
        biased;
        error = driver.keep_state(saves, state, threads, config.disk_deadline) => Err(error.into()),
        () = serving.clone() => Ok(()),
        () = driver.broken() => Err(RunError::CoreBroken),
        () = out_of_time => Ok(()),
    };
    match &outcome {
        Ok(()) => info!("gateway ends"),
        Err(reason) => error!(%reason, "gateway stops"),
    }
    // The gateway admits no node any more, as nothing would handle its messages.
    ending.cancel();
    driver.end("the gateway ends");
    closing.cancel();
    // Every client still connected should get its answer, if it listens.
    let _ = timeout(FINISH_SLACK, serving).await;
    outcome
}
