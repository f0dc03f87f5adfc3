//! Peers that mean ill, or do it: each gets a clear answer, and nobody else notices.
//!
//! | module | what it shows |
//! |---|---|
//! | [`bodies`] | requests that mean two things, or nothing |
//! | [`clients`] | clients in JavaScript that send garbage, too much, half, or too slowly |
//! | [`hosts`] | pages of other sites, whose names were made to lead to a gateway |
//! | [`ports`] | connections: too many, too slow, too large |
//! | [`readers`] | clients that ask for much and read nothing |
//! | [`tokens`] | who has no token, or one whose role does not suffice |
//! | [`tls`] | ports with TLS, and peers without it or without a certificate |

mod bodies;
mod clients;
mod hosts;
mod ports;
mod readers;
mod tls;
mod tokens;

use std::fs;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::harness::cluster::Cluster;

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(30);

/// All that a peer says until it closes the connection, in order or not.
async fn all_of(mut stream: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut bytes)).await;
    // A reset is an end too.
    let _ = read.expect("it closes in time");
    String::from_utf8(bytes).expect("text")
}

/// How much memory the gateway takes.
fn resident_kib(cluster: &Cluster) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", cluster.gateway().id()));
    let status = status.expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
