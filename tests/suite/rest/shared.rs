//! A ring shared by harmless tests: each uses users of its own, and stops no process.

use std::sync::{Arc, LazyLock, Weak};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::client::Rest;
use crate::harness::cluster::Cluster;

/// Reads the output of the processes. It outlives the tests, each of which has its own runtime.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("the operating system gives threads")
});

/// The running tests hold the cluster. A static is never dropped, so it must not hold the
/// cluster itself: the processes would outlive the tests.
static RUNNING: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

/// The shared ring of two, and a client of its own. The ring lives as long as a test holds it.
pub(super) async fn ring() -> (Rest, Arc<Cluster>) {
    let mut running = RUNNING.lock().await;
    let cluster = match running.upgrade() {
        Some(cluster) => cluster,
        None => Arc::new(RUNTIME.spawn(Cluster::start(2)).await.expect("the ring forms")),
    };
    *running = Arc::downgrade(&cluster);
    (Rest::new(&cluster.url()), cluster)
}
