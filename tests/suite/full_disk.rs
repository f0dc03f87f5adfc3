//! The disk of a node is full. The node ends and says so, the ring goes on without it, and the
//! node comes back once there is room.

use std::time::Duration;

use api::ClusterStatus;
use tokio::time::{Instant, sleep};

use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{Load, LoadPlan};
use crate::harness::promises::{Outage, assert_as_promised};

const PLAN: LoadPlan = LoadPlan { clients: 8, users: 200, requests_per_second: 320 };

/// The node with the small disk.
const NODE: usize = 1;

const SIZE_MIB: u32 = 48;

/// The words for the operator, each time the disk was found full.
const SAID: &str = "the disk is full";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_is_full_leaves_and_comes_back_when_there_is_room() {
    let mut cluster = Cluster::new(3).with_small_disk(NODE, SIZE_MIB).await;
    cluster.start_all();
    cluster.healthy_within(Duration::from_secs(30)).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    sleep(Duration::from_secs(1)).await;
    let full = Instant::now();
    cluster.small_disk().fill();
    ends_for_want_of_room(&mut cluster).await;
    let still_full = Instant::now();
    cluster.small_disk().fill();
    cluster.start_node(NODE);
    ends_for_want_of_room(&mut cluster).await;
    let has_room = Instant::now();
    cluster.small_disk().make_room();
    cluster.start_node(NODE);
    cluster.healthy_within(Duration::from_secs(30)).await;
    let outages = [(full, still_full), (still_full, has_room), (has_room, Instant::now())]
        .map(|(from, to)| Outage { node: NODE, from, to });
    sleep(Duration::from_secs(1)).await;
    let (seen, recorder) = load.stop().await;
    for seen in &seen {
        assert_as_promised(&cluster, seen, &outages);
    }
    let done = seen.iter().filter(|seen| seen.ended.problem.is_none()).count();
    assert!(done > 500, "only {done} requests succeeded");
    assert_nothing_is_lost(&mut cluster, &recorder, PLAN.users).await;
}

/// The node ends by itself, and names the reason on its standard error and to the gateway.
async fn ends_for_want_of_room(cluster: &mut Cluster) {
    let (status, said) = cluster.take_node(NODE).ended().await;
    assert!(!status.success(), "it ended as if nothing was wrong:\n{said}");
    assert!(said.lines().any(|line| line.contains(SAID)), "it does not say {SAID:?}:\n{said}");
    assert!(!said.contains("panicked"), "it panicked:\n{said}");
    cluster.status_within(Duration::from_secs(5), knows_why).await;
}

/// Whether the gateway can tell an operator why the node ended.
fn knows_why(status: &ClusterStatus) -> bool {
    status.nodes[NODE].last_words.as_ref().is_some_and(|words| words.contains(SAID))
}
