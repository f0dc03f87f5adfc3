//! A node with slow syncs comes back while updates go on.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sim::plan::host::Host;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{RECOVERY, change, create, is_home_only, users};
use crate::harness::cluster::Cluster;
use crate::harness::slow_disk::Calls;
use crate::kills::MACHINE;

/// The slow node. It has the next copy of partition `NEXT_OF`; the test updates the users of
/// this partition.
const NODE: usize = 1;
const HOST: Host = Host::Node(NODE);
const NEXT_OF: usize = 0;

const SYNC_TAKES: Duration = Duration::from_millis(600);

const CLIENTS: usize = 6;

/// How long a client rests between two updates. At some 600 updates a second, RocksDB fills no
/// write buffer. Writing a buffer to a file would need several more syncs, each as slow.
const REST: Duration = Duration::from_millis(10);

/// How many syncs may begin at the slow node while an update is under way: one just before the
/// update arrives there, the update's own, the one right after it, and one for a view change at
/// the node.
const SYNCS_MAX: u64 = 4;

/// How long the node may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// An update, measured in syncs of the slow disk.
#[derive(Debug)]
struct Updated {
    status: u16,
    took: Duration,
    /// How many syncs began on the slow disk during the update.
    syncs: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_slow_syncs_comes_back_under_load_and_updates_wait_for_few_of_them() {
    comes_back_under_load(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_slow_syncs_and_an_empty_disk_is_restored_under_load_and_updates_wait_for_few_syncs()
 {
    comes_back_under_load(|data| fs::remove_dir_all(data).expect("nobody uses it")).await;
}

/// Kills the node, does something to its data (`meanwhile`), and brings it back with a slow
/// disk.
async fn comes_back_under_load(meanwhile: impl FnOnce(&Path)) {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::new(3).with_slow_disk(HOST);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let ids = users(&cluster, NEXT_OF, CLIENTS);
    for id in &ids {
        create(&cluster, id, "Ada").await;
    }
    cluster.kill_node(NODE).await;
    cluster.status_within(RECOVERY, |status| is_home_only(status, NEXT_OF)).await;
    meanwhile(&cluster.data(NODE));
    cluster.slow_disk(HOST).delay(Calls::Syncs, SYNC_TAKES);
    cluster.start_node(NODE);
    let cluster = Arc::new(cluster);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for id in ids {
        clients.spawn(keep_changing(Arc::clone(&cluster), id, Arc::clone(&is_over)));
    }
    let back = cluster.healthy_within(BACK_WITHIN).await;
    println!("back in both after {back:?}");
    sleep(5 * SYNC_TAKES).await;
    let status = cluster.status().await.expect("the gateway answers");
    assert!(status.healthy, "it does not stay: {status:#?}");
    is_over.store(true, Ordering::Relaxed);
    let updates = clients.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    assert_waited_for_few_syncs(&updates);
    let mut cluster = Arc::into_inner(cluster).expect("they are done");
    cluster.slow_disk(HOST).release(Calls::Syncs);
    cluster.stop_all().await;
}

fn assert_waited_for_few_syncs(updates: &[Updated]) {
    let longest = updates.iter().map(|updated| updated.took).max().expect("updates");
    let most = updates.iter().map(|updated| updated.syncs).max().expect("updates");
    println!("{} updates, the longest took {longest:?}; at most {most} syncs began", updates.len());
    for updated in updates {
        assert_eq!(updated.status, 200, "{updated:?}");
    }
    assert!(updates.len() > 1_000, "there was no load");
    assert!(most <= SYNCS_MAX, "{most} syncs began while an update was under way");
}

/// Changes a user again and again, until told to stop.
async fn keep_changing(
    cluster: Arc<Cluster>,
    id: String,
    is_over: Arc<AtomicBool>,
) -> Vec<Updated> {
    let mut updates = Vec::new();
    for group in 2.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let (began, before) = (Instant::now(), cluster.slow_disk(HOST).begun(Calls::Syncs));
        let status = change(&cluster, &id, group).await;
        let syncs = cluster.slow_disk(HOST).begun(Calls::Syncs) - before;
        updates.push(Updated { status, took: began.elapsed(), syncs });
        sleep(REST).await;
    }
    updates
}
