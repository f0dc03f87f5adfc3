//! A process starts, or is told to end, while its disk hangs. If its syncs hang, it ends at its
//! deadline and says why. If only its reads hang, it ends well when told to.

use std::process::ExitStatus;
use std::time::Duration;

use sim::plan::host::Host;

use super::{RECOVERY, create, users};
use crate::harness::cluster::Cluster;
use crate::harness::slow_disk::Calls;

const DEADLINE: [&str; 2] = ["--disk-deadline-ms", "3000"];

const NODE: usize = 1;

/// How long the test waits for a call to hang.
const HANGS_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_on_a_disk_that_hangs_ends_and_says_why() {
    let mut cluster = Cluster::new(2).with_node_flags(&DEADLINE).with_slow_disk(Host::Node(NODE));
    cluster.slow_disk(Host::Node(NODE)).hang(Calls::Syncs);
    // In the first round the directory is new. In the second the node has to recover it.
    for _ in 0..2 {
        cluster.start_node(NODE);
        let (status, said) = cluster.take_node(NODE).ended().await;
        says_that_the_disk_does_not_answer(status, &said);
        cluster.slow_disk(Host::Node(NODE)).release(Calls::Syncs);
        cluster.start_all();
        cluster.healthy_within(RECOVERY).await;
        cluster.stop_all().await;
        cluster.slow_disk(Host::Node(NODE)).hang(Calls::Syncs);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_on_a_disk_that_hangs_ends_and_says_why() {
    let mut cluster = Cluster::new(2).with_gateway_flags(&DEADLINE).with_slow_disk(Host::Gateway);
    for _ in 0..2 {
        cluster.slow_disk(Host::Gateway).release(Calls::Syncs);
        cluster.start_all();
        cluster.healthy_within(RECOVERY).await;
        cluster.stop_all().await;
        cluster.slow_disk(Host::Gateway).hang(Calls::Syncs);
        cluster.start_gateway();
        let (status, said) = cluster.take_gateway().ended().await;
        says_that_the_disk_does_not_answer(status, &said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_end_while_its_syncs_hang_ends_at_its_deadline() {
    let mut cluster = Cluster::new(2).with_node_flags(&DEADLINE).with_slow_disk(Host::Node(NODE));
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    cluster.slow_disk(Host::Node(NODE)).hang(Calls::Syncs);
    // The last sync of the node hangs, if no earlier one does.
    cluster.node(NODE).terminate();
    let (status, said) = cluster.take_node(NODE).ended().await;
    says_that_the_disk_does_not_answer(status, &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_end_while_its_reads_hang_ends_well() {
    let host = Host::Node(NODE);
    let flags = ["--record-cache-mib", "0", "--block-cache-mib", "1"];
    let mut cluster = Cluster::new(2).with_node_flags(&flags).with_slow_disk(host);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    for id in users(&cluster, NODE, 200) {
        create(&cluster, &id, "Ada").await;
    }
    // After a restart the data is in files, and at most one block of it in memory.
    cluster.stop_node(NODE).await;
    cluster.start_node(NODE);
    cluster.node(NODE).says("node starts").await;
    cluster.slow_disk(host).hang(Calls::Reads);
    let hangs = async {
        while cluster.slow_disk(host).under_way(Calls::Reads) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // The comparison of the copies reads all the time.
    tokio::time::timeout(HANGS_WITHIN, hangs).await.expect("a read hangs");
    cluster.stop_node(NODE).await;
    cluster.slow_disk(host).release(Calls::Reads);
    cluster.start_node(NODE);
    cluster.healthy_within(RECOVERY).await;
    cluster.stop_all().await;
}

fn says_that_the_disk_does_not_answer(status: ExitStatus, said: &str) {
    assert!(!status.success(), "it ended as if nothing was wrong:\n{said}");
    let is_told = |line: &str| line.contains("error: ") && line.contains("has not answered for 3s");
    assert!(said.lines().any(is_told), "it does not say that its disk does not answer:\n{said}");
    assert!(!said.contains("panicked"), "it panicked:\n{said}");
}
