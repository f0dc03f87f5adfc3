//! A ring that the tests share that do it no harm: they use users of their own, and stop nothing.

use std::sync::{Arc, LazyLock, Weak};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::client::Rest;
use crate::harness::cluster::Cluster;

/// Outlives the tests, each of which has a runtime of its own; reads what the processes print.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("the operating system gives threads")
});

/// Held by the tests that run at the moment: statics are never dropped, and processes must not outlive the tests.
static RUNNING: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

/// A ring of two that others use too, and a client of one's own. The ring lives as long as someone holds it.
pub(super) async fn ring() -> (Rest, Arc<Cluster>) {
    let mut running = RUNNING.lock().await;
    let cluster = match running.upgrade() {
        Some(cluster) => cluster,
        None => Arc::new(RUNTIME.spawn(Cluster::start(2)).await.expect("the ring forms")),
    };
    *running = Arc::downgrade(&cluster);
    (Rest::new(&cluster.url()), cluster)
}
