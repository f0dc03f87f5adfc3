//! Hostile requests of every kind, on every described route and at the port of links, beside
//! well-behaved clients. `make rest-fuzz` plays them for any time; this test is a short
//! version.
//!
//! The seed decides everything drawn, and is printed. The seed and the attack's number decide
//! an attack. `REST_FUZZ_SEED` and `REST_FUZZ_ATTACK` play one again.
//!
//! | module | owns |
//! |---|---|
//! | [`routes`] | the routes, from the gateway's description |
//! | [`kinds`] | the faults of a request |
//! | [`request`], [`script`] | a request in pieces; an attacker's steps on one connection |
//! | [`attack`] | carrying out a script and judging the answers |
//! | [`campaign`] | all kinds on all routes, and the result |
//! | [`witness`] | well-behaved clients |
//! | [`harm`] | the state of the ring that must not change |

mod attack;
mod campaign;
mod harm;
mod kinds;
mod random;
mod request;
mod routes;
mod script;
mod witness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use process::entropy::{Entropy, SystemEntropy};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::campaign::Campaign;
use self::harm::{Links, Memory};
use self::witness::Witness;
use crate::harness::audit::{assert_copies_agree, audits};
use crate::harness::cluster::Cluster;
use crate::kills::MACHINE;

/// How many seconds the test takes, unless `REST_FUZZ_SECONDS` is set.
const SECONDS: u64 = 10;

const WITNESSES: u64 = 3;

/// The smallest caches. They are full before the first measurement of memory, so later growth
/// is not theirs.
const SMALL_CACHES: [&str; 6] =
    ["--record-cache-mib", "1", "--block-cache-mib", "1", "--write-buffers-mib", "3"];

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_harm_nobody_else() {
    let _machine = MACHINE.lock().await;
    let time = Duration::from_secs(number("REST_FUZZ_SECONDS").unwrap_or(SECONDS));
    let seed = number("REST_FUZZ_SEED").unwrap_or_else(|| SystemEntropy.uuid().as_u64_pair().0);
    println!("seed {seed}: REST_FUZZ_SEED={seed} plays the same attacks");
    let mut cluster = Cluster::new(3).with_node_flags(&SMALL_CACHES);
    cluster.start_all();
    cluster.healthy_within(Duration::from_secs(30)).await;
    let campaign = Campaign::new(seed, routes::routes(&document(&cluster).await), &cluster);
    if let Some(attack) = number("REST_FUZZ_ATTACK") {
        campaign.attack(attack).await;
        assert_eq!(campaign.faults(), Vec::<String>::new());
        return;
    }
    let links = Links::of(&cluster).await;
    let (stopping, mut witnesses) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for name in 0..WITNESSES {
        witnesses.spawn(Witness::new(name, &cluster.url()).work(Arc::clone(&stopping)));
    }
    let early = async {
        sleep(time / 5).await;
        Memory::of(&cluster)
    };
    let ((), early) = tokio::join!(campaign.run(time), early);
    let late = Memory::of(&cluster);
    stopping.store(true, Ordering::Relaxed);
    let seen = witnesses.join_all().await;

    println!("{}", campaign.table());
    println!(
        "{} attacks in {time:?}; memory after a fifth of the time {early}, at the end {late}",
        campaign.attacks()
    );
    println!("clients that mean well: {seen:?}");
    assert!(campaign.faults().is_empty(), "{}", campaign.faults().join("\n"));
    for seen in seen {
        let seen = seen.unwrap_or_else(|what| panic!("a client that means well: {what}"));
        assert!(seen.requests > 100, "too little happened beside: {seen:?}");
    }
    assert_eq!(campaign.untried(), Vec::<String>::new());
    links.assert_as_before(&cluster).await;
    late.assert_not_above(&early, time);
    harm::assert_connections_are_gone(&cluster).await;
    assert!(cluster.all_alive(), "a process died");
    cluster.stop_all().await;
    assert_copies_agree(&cluster, &audits(&cluster));
}

/// The gateway's description of its API.
async fn document(cluster: &Cluster) -> Value {
    let response = cluster.http.get(format!("{}/api/openapi.json", cluster.url())).send().await;
    response.expect("an answer").json().await.expect("it is JSON")
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}
