//! The disk of a node hangs: its syncs, or its writes.

use std::time::Duration;

use api::ClusterStatus;
use history::users::Input;
use sim::plan::host::Host;
use tokio::time::{Instant, sleep};

use super::{RECOVERY, change, has_problem, is_home_only, users};
use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{FinishedCall, Load, LoadPlan};
use crate::harness::promises::{Outage, assert_as_promised};
use crate::harness::slow_disk::Calls;
use crate::kills::MACHINE;

const PLAN: LoadPlan = LoadPlan { clients: 8, users: 200, requests_per_second: 320 };

/// The node with the disk. It has the home copy of the partition with its number, and the next
/// copy of the partition before.
const NODE: usize = 1;
const HOST: Host = Host::Node(NODE);
const NEXT_OF: usize = 0;

/// How long a node waits for its disk, and its words at the end.
const DEADLINE: [&str; 2] = ["--disk-deadline-ms", "6000"];
const SAID: &str = "the disk has not answered for 6s";

/// The status's words about the disk.
const NAMED: &str = "the disk of db-1 does not answer";

/// A second, and a margin for a busy machine.
const NAMED_WITHIN: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_syncs_hang_is_named_counts_as_lost_and_comes_back_by_itself() {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::new(3).with_slow_disk(HOST);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    sleep(Duration::from_secs(1)).await;
    let from = Instant::now();
    cluster.slow_disk(HOST).hang(Calls::Syncs);
    let named = cluster.status_within(NAMED_WITHIN, is_named).await;
    println!("the disk was named after {named:?}");
    cluster.status_within(NAMED_WITHIN, |status| is_home_only(status, NEXT_OF)).await;
    let status = cluster.status().await.expect("the gateway answers");
    assert!(status.nodes[NODE].linked, "its link is alive: {status:#?}");
    let [id] = &users(&cluster, NODE, 1)[..] else { unreachable!("one was asked for") };
    assert_eq!(change(&cluster, id, 1).await, 503, "it is certainly not done");
    let to = Instant::now();
    cluster.slow_disk(HOST).release(Calls::Syncs);
    cluster.healthy_within(RECOVERY).await;
    sleep(Duration::from_secs(1)).await;
    assert!(cluster.all_alive(), "a process ended");
    assert_promises_were_kept(&mut cluster, load, &[Outage { node: NODE, from, to }]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_hangs_for_good_ends_at_its_deadline_and_says_why() {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::new(3).with_node_flags(&DEADLINE).with_slow_disk(HOST);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    let mut outages = Vec::new();
    for calls in [Calls::Syncs, Calls::Writes] {
        sleep(Duration::from_secs(1)).await;
        let from = Instant::now();
        cluster.slow_disk(HOST).hang(calls);
        cluster.status_within(NAMED_WITHIN, is_named).await;
        let (status, said) = cluster.take_node(NODE).ended().await;
        println!("{calls:?} hung, and the node ended after {:?}", from.elapsed());
        assert!(!status.success(), "it ended as if nothing was wrong:\n{said}");
        assert!(said.lines().any(|line| line.contains(SAID)), "it does not say {SAID:?}:\n{said}");
        assert!(!said.contains("panicked"), "it panicked:\n{said}");
        cluster.status_within(NAMED_WITHIN, knows_why).await;
        cluster.slow_disk(HOST).release(calls);
        cluster.start_node(NODE);
        cluster.healthy_within(RECOVERY).await;
        outages.push(Outage { node: NODE, from, to: Instant::now() });
    }
    assert_promises_were_kept(&mut cluster, load, &outages).await;
}

fn is_named(status: &ClusterStatus) -> bool {
    [NEXT_OF, NODE].iter().all(|partition| has_problem(status, *partition, NAMED))
}

/// Whether the gateway can tell an operator why the node ended.
fn knows_why(status: &ClusterStatus) -> bool {
    status.nodes[NODE].last_words.as_ref().is_some_and(|words| words.contains(SAID))
}

/// Asserts that no read failed, nor any update of a partition whose home has another disk; and
/// that nothing is lost.
async fn assert_promises_were_kept(cluster: &mut Cluster, load: Load, outages: &[Outage]) {
    let (seen, recorder) = load.stop().await;
    for seen in &seen {
        assert_as_promised(cluster, seen, outages);
    }
    let is_done = |seen: &&FinishedCall| seen.ended.problem.is_none();
    let is_read = |seen: &&FinishedCall| matches!(seen.input, Input::Read { .. });
    let done = seen.iter().filter(is_done).count();
    let reads = seen.iter().filter(is_read);
    let longest = reads.map(|seen| seen.took).max().unwrap_or_default();
    println!("{done} of {} requests succeeded; the longest read took {longest:?}", seen.len());
    assert!(done > 500, "only {done} requests succeeded");
    assert_nothing_is_lost(cluster, &recorder, PLAN.users).await;
}
