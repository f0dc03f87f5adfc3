//! All processes are killed at once, and started again.

use std::time::Duration;

use tokio::time::sleep;

use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{Load, LoadPlan};

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
