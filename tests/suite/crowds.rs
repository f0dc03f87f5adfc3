//! Thousands of clients each wait for their answer, while one node after the other stands
//! still.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use service::descriptors;
use tokio::time::{Instant, sleep};

use crate::harness::cluster::Cluster;
use crate::harness::crowd::{Crowd, CrowdPlan, Served};
use crate::harness::promises::{Outage, assert_failure_is_promised};
use crate::kills::MACHINE;

const NODES: usize = 3;

const PLAN: CrowdPlan = CrowdPlan { readers: 3_400, updaters: 600, addresses: 8, users: 3_000 };

/// How long each node stands still. Detection takes less.
const STILL: Duration = Duration::from_secs(5);

/// How long the ring may take, with the crowd at work, to have both copies of every partition
/// in sync again.
const RECOVERY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn while_a_node_stands_still_thousands_of_clients_wait_and_none_fails_without_need() {
    let _machine = MACHINE.lock().await;
    descriptors::allow(PLAN.readers + PLAN.updaters).expect("as many as the gateway may have");
    let mut cluster = Cluster::start(NODES).await;
    create_users(&cluster).await;
    let crowd = Crowd::start(PLAN, &cluster).await;
    sleep(Duration::from_secs(2)).await;
    let mut outages = Vec::new();
    for node in 0..NODES {
        let from = Instant::now();
        cluster.node(node).pause().await;
        sleep(STILL).await;
        cluster.node(node).resume();
        let recovered = cluster.healthy_within(RECOVERY).await;
        println!("db-{node} was back in both its views {recovered:?} after it went on");
        outages.push(Outage { node, from, to: Instant::now() });
        sleep(Duration::from_secs(1)).await;
    }
    let served = crowd.stop().await;
    report(&served, outages[0].from);
    assert!(cluster.all_alive(), "a process died");
    for failure in &served.failures {
        assert!(
            !failure.problem.contains(":overloaded\""),
            "nobody is a load who waits: {failure:?}"
        );
        assert_failure_is_promised(&cluster, failure, &outages);
    }
    assert!(served.reads > 10_000 && served.updates > 1_000, "too little happened");
    cluster.stop_all().await;
}

async fn create_users(cluster: &Cluster) {
    let create = |user: usize| {
        let id = format!("user-{user}");
        let body = json!({ "id": id, "name": "Of a crowd", "email": format!("{id}@example.org"), "group": 1 });
        let request = cluster.http.post(format!("{}/api/user/", cluster.url())).json(&body).send();
        async move { request.await.expect("an answer").error_for_status().expect("created") }
    };
    stream::iter(0..PLAN.users).map(create).buffer_unordered(32).for_each(async |_| ()).await;
}

fn report(served: &Served, start: Instant) {
    let Served { reads, updates, longest_read, longest_update, failures } = served;
    println!(
        "{reads} reads, the longest took {longest_read:?}; {updates} updates, the longest took {longest_update:?}; \
         {} failures",
        failures.len()
    );
    for failure in failures.iter().filter(|failure| failure.is_read).take(20) {
        println!("a read failed at {:?}: {failure:?}", failure.began - start);
    }
}
