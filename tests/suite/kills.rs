//! One node after the other is killed under load, stays down for ten seconds, and comes back.

use std::time::Duration;

use client::{Change, Client};
use history::users::Input;
use protocol::user::NewUser;
use reqwest::StatusCode;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{FinishedCall, Load, LoadPlan};
use crate::harness::promises::{Outage, assert_as_promised};

/// Lets only one of the heavy tests run at a time: each needs the whole machine.
pub(crate) static MACHINE: Mutex<()> = Mutex::const_new(());

const PLAN: LoadPlan = LoadPlan { clients: 16, users: 1_000, requests_per_second: 320 };

const DOWN: Duration = Duration::from_secs(10);

/// How long a ring may take to have both copies of every partition in sync again.
const RECOVERY: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn killing_each_node_of_a_ring_of_two_fails_no_read_and_loses_nothing() {
    kill_each_node(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_each_node_of_a_ring_of_three_fails_no_read_and_loses_nothing() {
    kill_each_node(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_each_node_of_a_ring_of_five_fails_no_read_and_loses_nothing() {
    kill_each_node(5).await;
}

async fn kill_each_node(nodes: usize) {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::start(nodes).await;
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    let stopping = CancellationToken::new();
    let patient = tokio::spawn(be_patient(cluster.client(), stopping.clone()));
    sleep(Duration::from_secs(3)).await;
    let mut outages = Vec::new();
    for node in 0..nodes {
        let from = Instant::now();
        cluster.kill_node(node).await;
        sleep(DOWN).await;
        cluster.start_node(node);
        let recovered = cluster.healthy_within(RECOVERY).await;
        println!("db-{node} was back in both its views {recovered:?} after its start");
        outages.push(Outage { node, from, to: Instant::now() });
        sleep(Duration::from_secs(2)).await;
    }
    assert!(cluster.all_alive(), "a process died that nobody killed");
    stopping.cancel();
    let users = patient.await.expect("no call of the patient client fails");
    println!("the patient client created, changed and deleted {users} users");
    assert!(users > 10 * nodes, "only {users} users");
    let (seen, recorder) = load.stop().await;
    report(nodes, &seen);
    assert_enough_happened(&seen);
    for seen in &seen {
        assert_as_promised(&cluster, seen, &outages);
    }
    assert_nothing_is_lost(&mut cluster, &recorder, PLAN.users).await;
}

/// A typed client with its usual patience: it repeats a call until a dead node is back. Creates,
/// changes, reads and deletes one user after the other; returns their number.
async fn be_patient(client: Client, stopping: CancellationToken) -> usize {
    for number in 0.. {
        if stopping.is_cancelled() {
            return number;
        }
        let json = format!(
            r#"{{"id":"patient-{number}","name":"Ada","email":"ada@example.org","group":1}}"#
        );
        let new = NewUser::from_body(json.as_bytes()).expect("a user");
        let created = client.create(new).await.expect("the client is patient");
        let id = created.user.id.clone();
        let change = Change { group: Some(2), if_match: Some(created.etag), ..Change::default() };
        let changed = client.change(&id, &change).await.expect("the client is patient");
        assert_eq!(client.read(&id).await.expect("the client is patient"), changed);
        client.delete(&id).await.expect("the client is patient");
    }
    unreachable!("the numbers do not end")
}

fn assert_enough_happened(seen: &[FinishedCall]) {
    let first = seen.iter().map(|seen| seen.began).min().expect("something happened");
    let last = seen.iter().map(|seen| seen.began).max().expect("something happened");
    let rate = seen.len() as f64 / (last - first).as_secs_f64();
    assert!(rate >= 200.0, "only {rate:.0} requests a second");
}

fn report(nodes: usize, seen: &[FinishedCall]) {
    let reads = seen.iter().filter(|seen| matches!(seen.input, Input::Read { .. }));
    let longest = reads.map(|seen| seen.took).max().unwrap_or_default();
    let count = |status| seen.iter().filter(|seen| seen.ended.status == Some(status)).count();
    println!(
        "ring of {nodes}: {} requests; 503: {}, 504: {}; the longest wait of a read was {longest:?}",
        seen.len(),
        count(StatusCode::SERVICE_UNAVAILABLE),
        count(StatusCode::GATEWAY_TIMEOUT),
    );
}
