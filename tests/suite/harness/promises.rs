//! What the fault table promises to clients while one node after the other is down.

use std::time::Duration;

use history::users::Input;
use protocol::id::PartitionId;
use protocol::view::Member;
use reqwest::StatusCode;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::load::Seen;

/// What is sent this long after the end of a node may still have been on its way to it: the gateway had not noticed yet.
const UNNOTICED: Duration = Duration::from_secs(2);

/// When a node was down.
pub(crate) struct Outage {
    pub(crate) node: usize,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

/// No read fails. Updates fail only where their home is down: with 503 and `Retry-After`, or with 504 if they were under
/// way when it died.
pub(crate) fn assert_as_promised(cluster: &Cluster, seen: &Seen, outages: &[Outage]) {
    let Some(problem) = &seen.ended.problem else { return };
    let is_read = matches!(seen.input, Input::Read { .. });
    assert!(!is_read, "a read failed after {:?}: {problem}", seen.took);
    let outage = outages.iter().find(|outage| {
        let home = home_of(cluster, seen.partition);
        home == outage.node && seen.began <= outage.to && seen.began + seen.took >= outage.from
    });
    let Some(outage) = outage else {
        panic!("an update failed although its home was alive, after {:?}: {problem}", seen.took);
    };
    match seen.ended.status {
        Some(StatusCode::SERVICE_UNAVAILABLE) => {
            assert!(seen.ended.has_retry_after, "503 without Retry-After")
        }
        Some(StatusCode::GATEWAY_TIMEOUT) => {
            let unnoticed = outage.from + UNNOTICED;
            assert!(seen.began <= unnoticed, "504 for an update that was not under way: {problem}");
        }
        other => panic!("{other:?} is not what was promised: {problem}"),
    }
}

fn home_of(cluster: &Cluster, partition: PartitionId) -> usize {
    cluster.ring.holder(partition, Member::Home).index()
}
