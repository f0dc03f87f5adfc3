//! A node from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use port::{Listener, Port};
use protocol::id::Boot;
use protocol::view::Member;
use ring_core::node::{Node, NodeIdentity, StopReason};
use ring_core::store::Damage;
use service::clock::Clock;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::Config;
use crate::deps::Deps;
use crate::driver::dialler::Dialler;
use crate::driver::home_links::HomeLinks;
use crate::driver::reads::Reader;
use crate::driver::{Driver, Links, READERS, Teller, gateway_link, next_link};
use crate::error::RunError;
use crate::store::Store;

/// How long an ending node waits for its peers to receive its goodbye, and for its readers to
/// end.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Runs a node until `shutdown` is cancelled. Then the node says goodbye, syncs its writes and
/// returns.
///
/// # Errors
///
/// The reason why the node cannot continue. No acknowledged update is lost by it.
pub async fn run<L>(
    config: Config,
    deps: Deps<L>,
    shutdown: CancellationToken,
) -> Result<(), RunError>
where
    L: Listener<Addr = SocketAddr>,
{
    let Deps { listener, tls, address, connector, storage, clock, entropy, threads } = deps;
    let new_incarnation = || entropy.uuid();
    let (store, identity) =
        Store::open(storage, &config.node, config.record_cache_bytes, new_incarnation)?;
    let recovered = store.recover()?;
    let clock = Clock::start(clock);
    let node = NodeIdentity {
        node: config.node.clone(),
        incarnation: identity.incarnation,
        boot: Boot { count: identity.boots, nonce: entropy.uuid() },
        address: config.advertise.clone().unwrap_or(address),
    };
    info!(
        node = %config.node, incarnation = %identity.incarnation, boot = identity.boots, address = %node.address,
        home = %recovered.home.written(), next = %recovered.next.written(), "node starts",
    );
    for (member, copy) in [(Member::Home, &recovered.home), (Member::Next, &recovered.next)] {
        if let Some(Damage::Unreadable(what)) = &copy.damage {
            error!(%member, "a copy is damaged, and is to be restored from the other one: {what}");
        }
    }
    Teller::starts(&node, &recovered);
    let node = Node::recovered(node, config.node_settings.clone(), recovered, clock.now())?;

    // Ends every spawned task and loop, however this function returns.
    let ending = shutdown.child_token();
    let _end_all = ending.clone().drop_guard();
    let config = Arc::new(config);
    let (hello, hello_of_node) = watch::channel(node.hello());
    let (dial_next, next_to_dial) = watch::channel(None);
    let driver = Driver::new(node, store, clock, Links::new(hello, dial_next));

    let (stopped, stop) = oneshot::channel();
    let durable = Arc::clone(&driver).keep_durable(Arc::clone(&threads), ending.clone());
    threads.spawn_loop("disk", Box::pin(durable.map(|outcome| drop(stopped.send(outcome)))))?;
    let (reading, mut readers) = (ending.child_token(), Vec::new());
    for number in 1..=READERS {
        let (ended, reader) = oneshot::channel::<()>();
        readers.push(reader);
        let reads = Reader::new(&driver, &threads).run(reading.clone());
        threads.spawn_loop(&format!("reads-{number}"), Box::pin(reads.map(|()| drop(ended))))?;
    }
    let timer = Arc::clone(&driver);
    tokio::spawn(ending.clone().run_until_cancelled_owned(async move { timer.keep_time().await }));

    let listener = link::listener(listener, &config.links);
    let home_links = HomeLinks::new(Arc::clone(&config), Arc::clone(&driver));
    let server = link::server(home_links, &config.links);
    let (port, end) = (Port::new(config.port_limits.clone(), tls), ending.clone());
    tokio::spawn(async move {
        port::serve(listener, port, |connection| server.on(connection), end).await;
    });

    // After the shutdown no timer drives the core, so the core cannot see a silent disk any
    // more.
    let disk_deadline = config.node_settings.disk_deadline;
    let last_sync_hangs = async {
        shutdown.cancelled().await;
        sleep(disk_deadline).await;
        StopReason::DiskSilent(disk_deadline).into()
    };

    let dialler = Dialler { config, connector, entropy, driver: Arc::clone(&driver) };
    let next_link = next_link::keep_up(dialler.clone(), next_to_dial);
    tokio::spawn(ending.clone().run_until_cancelled_owned(next_link));
    let gateway_link = gateway_link::keep_up(dialler, hello_of_node);
    tokio::spawn(ending.clone().run_until_cancelled_owned(gateway_link));

    let outcome = tokio::select! {
        biased;
        outcome = stop => outcome.unwrap_or(Err(RunError::DriverLost)),
        reason = driver.stuck(FAREWELL_MAX) => Err(reason),
        reason = last_sync_hangs => Err(driver.stop_now(reason)),
    };
    // The peers should receive the reason if they still can. The wait is limited, because a read
    // may never return.
    reading.cancel();
    let _ = timeout(FAREWELL_MAX, join(driver.all_unlinked(), join_all(readers))).await;
    outcome
}
