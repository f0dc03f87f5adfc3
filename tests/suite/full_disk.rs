//! The disk of a node is full: the node ends and says so, the ring goes on without it, and it comes back once there is room.

use std::time::Duration;

use ring::gateway::ClusterStatus;
use tokio::time::{Instant, sleep};

use crate::harness::audit::{assert_copies_agree, assert_linearizable_up_to, audits};
use crate::harness::cluster::Cluster;
use crate::harness::load::{Load, LoadPlan};
use crate::harness::process::Process;
use crate::harness::promises::{Outage, assert_as_promised};

const PLAN: LoadPlan = LoadPlan { clients: 8, users: 200, requests_per_second: 320 };

/// The node whose disk is small.
const NODE: usize = 1;

const SIZE_MIB: u32 = 48;

/// What an operator has to read, whenever the disk was found to be full.
const SAID: &str = "the disk is full";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_is_full_leaves_and_comes_back_when_there_is_room() {
    let mut cluster = Cluster::new(3).with_small_disk(NODE, SIZE_MIB).await;
    cluster.start_all();
    cluster.healthy_within(Duration::from_secs(30)).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    sleep(Duration::from_secs(1)).await;
    let mut outages = Vec::new();
    for is_started in [true, false] {
        let from = Instant::now();
        cluster.small_disk().fill();
        if !is_started {
            cluster.start_node(NODE);
        }
        ends_for_want_of_room(cluster.take_node(NODE)).await;
        cluster.status_within(Duration::from_secs(5), knows_why).await;
        outages.push(Outage { node: NODE, from, to: Instant::now() });
    }
    let from = Instant::now();
    cluster.small_disk().make_room();
    cluster.start_node(NODE);
    cluster.healthy_within(Duration::from_secs(30)).await;
    outages.push(Outage { node: NODE, from, to: Instant::now() });
    sleep(Duration::from_secs(1)).await;
    let (seen, recorder) = load.stop().await;
    for seen in &seen {
        assert_as_promised(&cluster, seen, &outages);
    }
    let done = seen.iter().filter(|seen| seen.ended.problem.is_none()).count();
    assert!(done > 500, "only {done} requests succeeded");
    cluster.stop_all().await;
    let audits = audits(&cluster);
    assert_copies_agree(&cluster, &audits);
    assert_linearizable_up_to(&cluster, &audits, &recorder, PLAN.users);
}

async fn ends_for_want_of_room(node: Process) {
    let (status, said) = node.ended().await;
    assert!(!status.success(), "it ended as if nothing was wrong:\n{said}");
    assert!(said.lines().any(|line| line.contains(SAID)), "it does not say {SAID:?}:\n{said}");
    assert!(!said.contains("panicked"), "it panicked:\n{said}");
}

/// Whether the gateway can tell an operator why the node ended.
fn knows_why(status: &ClusterStatus) -> bool {
    status.nodes[NODE].last_words.as_ref().is_some_and(|words| words.contains(SAID))
}
