//! All processes are killed at once and started again; or the nodes are restarted one after the
//! other.

use std::time::Duration;

use history::users::Input;
use tokio::time::{Instant, sleep};

use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{Load, LoadPlan};
use crate::harness::promises::{Outage, assert_as_promised};
use crate::kills::MACHINE;

const PLAN: LoadPlan = LoadPlan { clients: 16, users: 200, requests_per_second: 400 };

#[tokio::test(flavor = "multi_thread")]
async fn every_acked_update_is_there_after_all_processes_were_killed_at_once() {
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    for _ in 0..3 {
        sleep(Duration::from_secs(2)).await;
        cluster.kill_all().await;
        cluster.start_all();
        cluster.healthy_within(Duration::from_secs(30)).await;
    }
    sleep(Duration::from_secs(1)).await;
    let (seen, recorder) = load.stop().await;
    let done = seen.iter().filter(|seen| seen.ended.problem.is_none()).count();
    assert!(done > 1_000, "only {done} requests succeeded");
    assert_nothing_is_lost(&mut cluster, &recorder, PLAN.users).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarting_one_node_after_the_other_fails_no_read_and_loses_nothing() {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    let mut outages = Vec::new();
    for _ in 0..2 {
        for node in 0..3 {
            let from = Instant::now();
            cluster.stop_node(node).await;
            cluster.start_node(node);
            cluster.healthy_within(Duration::from_secs(30)).await;
            outages.push(Outage { node, from, to: Instant::now() });
            sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(cluster.all_alive(), "a process died");
    let (seen, recorder) = load.stop().await;
    for seen in &seen {
        assert_as_promised(&cluster, seen, &outages);
    }
    let reads = seen.iter().filter(|seen| matches!(seen.input, Input::Read { .. }));
    let (count, longest) = (reads.clone().count(), reads.map(|seen| seen.took).max());
    println!("{count} reads, of which the longest took {longest:?}");
    assert!(count > 200, "only {count} reads");
    assert_nothing_is_lost(&mut cluster, &recorder, PLAN.users).await;
}
