//! Clients in JavaScript (`npm/hostile.mjs`) that send garbage, too many bytes, half a message,
//! or send too slowly.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::{SOON, resident_kib};
use crate::harness::cluster::Cluster;
use crate::socket_io::hellos;

/// How long all attacks together may take.
const ALL: Duration = Duration::from_secs(150);

/// How long a connection may live, in milliseconds, if the client does not say hello or has
/// made a mistake. Enough for a busy machine.
const AT_ONCE_MS: u64 = 6_000;

/// How much more memory the gateway may use after the attacks.
const GROWTH_KIB: u64 = 32 << 10;

#[derive(Debug, Deserialize)]
struct Attack {
    name: String,
    ended: String,
    ms: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_mean_ill_are_cut_off_and_the_ring_does_not_notice() {
    let mut cluster = Cluster::start(2).await;
    let before = resident_kib(&cluster);
    let script = Command::new("node")
        .arg("hostile.mjs")
        .arg(format!("http://{}", cluster.socket_address()))
        .arg(hellos::good().to_string())
        .current_dir("npm")
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = timeout(ALL, script).await.expect("it ends in time").expect("node starts");
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).expect("text");
    let attacks =
        lines.lines().map(|line| serde_json::from_str::<Attack>(line).expect("an attack"));
    let mut count = 0;
    for attack in attacks {
        println!("{attack:?}");
        count += 1;
        let expected = match &*attack.name {
            "ten thousand events, and a goodbye" => "io client disconnect",
            "an event that wants an answer" => "no answer",
            "an event of 20 MiB" => "transport",
            "another namespace" | "no secret" => "connect_error: ",
            _ => "closed",
        };
        assert!(attack.ended.starts_with(expected), "{attack:?}");
        assert!(attack.ms < AT_ONCE_MS, "{attack:?}");
    }
    assert_eq!(count, 17, "{lines}");
    cluster.healthy_within(SOON).await;
    assert!(cluster.all_alive());
    let after = resident_kib(&cluster);
    assert!(after < before + GROWTH_KIB, "the gateway takes {after} KiB, and took {before}");
}
