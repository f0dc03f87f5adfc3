//! A ring in the test's own process, assembled as in production except for the storage.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use db_process::storage::Storage;
use gateway::state::StateDirectory;
use port::TcpConnector;
use process::clock::SystemClock;
use process::entropy::SystemEntropy;
use process::threads::SystemThreads;
use protocol::hello::Secret;
use ring_core::placement::Ring;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::address;
use super::cluster::{SECRET, node_id};

/// Starts a ring on these storages, and returns its REST URL and its tasks. The nodes keep no
/// cache of records.
pub(crate) async fn start(
    ring: &Ring,
    directory: &Path,
    storage_of: impl Fn(usize) -> Arc<dyn Storage>,
    shutdown: &CancellationToken,
) -> (String, JoinSet<()>) {
    let address = address::fresh();
    let secret = Secret::new(SECRET).expect("long enough");
    let listen = async || TcpListener::bind((address, 0)).await.expect("the address is free");
    let (rest, socket) = (listen().await, listen().await);
    let url = format!("http://{}", rest.local_addr().expect("it is bound"));
    let gateway_address = socket.local_addr().expect("it is bound").to_string();
    let mut running = JoinSet::new();
    let deps = gateway::Deps {
        rest: port::nodelay(rest),
        rest_tls: None,
        socket: port::nodelay(socket),
        socket_tls: None,
        access: gateway::Access::Open,
        state: Arc::new(StateDirectory::open(directory).expect("the directory is free")),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    let mut config = gateway::Config::new(ring.clone(), secret.clone());
    config.gateway_settings.node_limits.reads_max *= 2;
    let gateway = gateway::run(config, deps, shutdown.clone());
    running.spawn(async { gateway.await.expect("the gateway ends well") });
    for node in 0..ring.size() {
        let listener = listen().await;
        let deps = db_process::Deps {
            address: listener.local_addr().expect("it is bound").to_string(),
            listener: port::nodelay(listener),
            tls: None,
            connector: Arc::new(TcpConnector),
            storage: storage_of(node),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            threads: Arc::new(SystemThreads),
        };
        let mut config =
            db_process::Config::new(node_id(node), gateway_address.clone(), secret.clone());
        config.record_cache_bytes = 0;
        let node = db_process::run(config, deps, shutdown.clone());
        running.spawn(async { node.await.expect("the node ends well") });
    }
    (url, running)
}

pub(crate) async fn wait_until_ready(url: &str) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for _ in 0..200 {
        let status = http.get(format!("{url}/api/cluster")).send().await;
        if let Ok(status) = status
            && status.json::<api::ClusterStatus>().await.is_ok_and(|status| status.healthy)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the ring does not become ready");
}
