//! The reads of a node's disk hang. Only requests for data outside of memory wait for them.

use std::sync::Arc;
use std::time::Duration;

use sim::plan::host::Host;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{RECOVERY, change, create, read, users};
use crate::harness::cluster::Cluster;
use crate::harness::slow_disk::Calls;

/// The node whose reads hang. It answers the reads of the partition before it.
const NODE: usize = 1;
const HOST: Host = Host::Node(NODE);
const READ_THERE: usize = 0;

/// The number of users. Together with their log entries they exceed the node's block cache.
const USERS: usize = 2_000;

/// How many of the users are read while the disk hangs.
const ASKED_FOR: usize = 64;

/// Longer than the life of a link whose peer does not answer, and shorter than the deadline of
/// a request.
const HANGS: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_hang_at_one_node_end_no_link_and_hold_up_nobody_else() {
    let flags = ["--record-cache-mib", "0", "--block-cache-mib", "1"];
    let mut cluster = Cluster::new(3).with_node_flags(&flags).with_slow_disk(HOST);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let cold = users(&cluster, READ_THERE, USERS);
    let cluster_of_creators = Arc::new(cluster);
    let mut creators = JoinSet::new();
    for ids in cold.chunks(USERS / 16) {
        let (cluster, ids) = (Arc::clone(&cluster_of_creators), ids.to_vec());
        creators.spawn(async move {
            for id in ids {
                create(&cluster, &id, &id.repeat(256 / id.len())).await;
            }
        });
    }
    creators.join_all().await;
    let mut cluster = Arc::into_inner(cluster_of_creators).expect("they are done");
    // After a restart the data is in files, and not in memory.
    cluster.stop_node(NODE).await;
    cluster.start_node(NODE);
    cluster.healthy_within(RECOVERY).await;
    let warm: Vec<_> = (0..3)
        .flat_map(|partition| users(&cluster, partition, USERS + 4).split_off(USERS))
        .collect();
    for id in &warm {
        create(&cluster, id, "Grace").await;
    }
    let before = views(&cluster).await;

    cluster.slow_disk(HOST).hang(Calls::Reads);
    let cluster = Arc::new(cluster);
    let mut reads = JoinSet::new();
    for id in cold.into_iter().step_by(USERS / ASKED_FOR) {
        let cluster = Arc::clone(&cluster);
        reads.spawn(async move { (read(&cluster, &id).await, id) });
    }
    let until = Instant::now() + HANGS;
    let mut rounds = 0;
    while Instant::now() < until {
        rounds += 1;
        for id in &warm {
            assert_eq!(change(&cluster, id, rounds).await, 200, "{id}");
            assert_eq!(read(&cluster, id).await, Some(rounds.into()), "{id}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(cluster.slow_disk(HOST).under_way(Calls::Reads) > 0, "no read hangs");
    let mut answered = 0;
    while reads.try_join_next().is_some() {
        answered += 1;
    }
    assert!(answered < ASKED_FOR, "all was in memory");
    println!("{rounds} rounds; {answered} of {ASKED_FOR} were in memory after all");
    cluster.slow_disk(HOST).release(Calls::Reads);
    let rest = async {
        while let Some(read) = reads.join_next().await {
            let (group, id) = read.expect("no panic");
            assert_eq!(group, Some(1), "{id}");
        }
    };
    timeout(RECOVERY, rest).await.expect("they are answered");
    assert_eq!(views(&cluster).await, before, "no link was lost, so no view has changed");
    let mut cluster = Arc::into_inner(cluster).expect("they are done");
    cluster.stop_all().await;
}

async fn views(cluster: &Cluster) -> Vec<String> {
    let status = cluster.status().await.expect("the gateway answers");
    status.partitions.iter().map(|partition| format!("{:?}", partition.view)).collect()
}
