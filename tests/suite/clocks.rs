//! Clocks that jump: nothing depends on the time of day.

use std::fs;
use std::time::Duration;

use api::ClusterStatus;
use history::users::Input;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::harness::audit::assert_nothing_is_lost;
use crate::harness::cluster::Cluster;
use crate::harness::load::{Load, LoadPlan};
use crate::harness::process::text;
use crate::harness::promises::assert_as_promised;
use crate::kills::MACHINE;

const PLAN: LoadPlan = LoadPlan { clients: 8, users: 100, requests_per_second: 200 };

/// The offsets of the wall clock, one after the other, in the format of libfaketime.
const JUMPS: [&str; 5] = ["+0", "-2d", "+1d", "+400d", "-400d"];

/// More than the duration of the test, less than the farthest jump.
const FAR: Duration = Duration::from_secs(300 * 24 * 3_600);

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_jumps_by_days_and_years_is_not_noticed() {
    let _machine = MACHINE.lock().await;
    let mut cluster = Cluster::new(3);
    let clock = cluster.directory.path().join("clock");
    fs::write(&clock, "+0").expect("the directory is writable");
    let environment = [
        ("LD_PRELOAD", "libfaketimeMT.so.1"),
        (
            "LD_LIBRARY_PATH",
            "/usr/lib/x86_64-linux-gnu/faketime:/usr/lib/aarch64-linux-gnu/faketime",
        ),
        ("FAKETIME_TIMESTAMP_FILE", &text(&clock)),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    // Each reading of such a clock reads a file, so the heartbeat timeout is long.
    let patient = ["--heartbeat-timeout-ms", "3000"];
    cluster = cluster.with_environment(&environment);
    cluster = cluster.with_gateway_flags(&patient).with_node_flags(&patient);
    cluster.start_all();
    cluster.healthy_within(Duration::from_secs(30)).await;
    let views = |status: &ClusterStatus| {
        status.partitions.iter().map(|partition| partition.view).collect::<Vec<_>>()
    };
    let before = cluster.status().await.expect("the gateway tells");
    let load = Load::start(&PLAN, &cluster.url(), &cluster.ring);
    let mut told = Vec::new();
    for jump in JUMPS {
        fs::write(&clock, jump).expect("the directory is writable");
        sleep(Duration::from_secs(1)).await;
        told.push(time_told_by(&cluster).await);
    }
    let (seen, recorder) = load.stop().await;
    for seen in &seen {
        assert_as_promised(&cluster, seen, &[]);
    }
    let reads = seen.iter().filter(|seen| matches!(seen.input, Input::Read { .. })).count();
    assert!(reads > 100, "only {reads} reads");
    let after = cluster.status().await.expect("the gateway tells");
    assert_eq!(views(&after), views(&before), "a view has changed");
    let (first, latest) = (told[0], told.iter().max().expect("some"));
    assert!(*latest > first + FAR, "the clock did not jump: {told:?}");
    assert_nothing_is_lost(&mut cluster, &recorder, PLAN.users).await;
}

/// The gateway's wall-clock time since 1970. It is part of the id that the gateway makes for a
/// user (RFC 9562, section 5.7).
async fn time_told_by(cluster: &Cluster) -> Duration {
    let user = json!({ "name": "Ada", "email": "ada@example.org", "group": 1 });
    let request = cluster.http.post(format!("{}/api/user/", cluster.url())).json(&user);
    let response = request.send().await.expect("it is served");
    assert_eq!(response.status().as_u16(), 201);
    let made: Value = response.json().await.expect("a record");
    let id: Uuid = made["id"].as_str().expect("an id").parse().expect("a UUID");
    let (seconds, nanoseconds) = id.get_timestamp().expect("version 7").to_unix();
    Duration::new(seconds, nanoseconds)
}
