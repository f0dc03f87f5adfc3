//! Malicious peers, and harmful mistakes of others. Each gets a clear answer, and nobody else
//! notices.
//!
//! | module | shows |
//! |---|---|
//! | [`bodies`] | ambiguous and meaningless requests |
//! | [`clients`] | clients in JavaScript: garbage, too many bytes, half a message, slow senders |
//! | [`hosts`] | pages of other sites whose names lead to a gateway |
//! | [`ports`] | connections: too many, too slow, too large |
//! | [`readers`] | clients with many requests that read no answer |
//! | [`tokens`] | clients without a token, or with a token of a weaker role |
//! | [`tls`] | ports with TLS, and peers without TLS or without a certificate |

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

/// Longer than any step of these tests may take.
const SOON: Duration = Duration::from_secs(30);

/// Reads until the peer closes or resets the connection; returns all of its bytes as text.
async fn all_of(mut stream: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut bytes)).await;
    // A reset ends the connection too.
    let _ = read.expect("it closes in time");
    String::from_utf8(bytes).expect("text")
}

/// The resident memory of the gateway, in KiB.
fn resident_kib(cluster: &Cluster) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", cluster.gateway().id()));
    let status = status.expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
