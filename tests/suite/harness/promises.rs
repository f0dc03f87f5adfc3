//! The promises of the fault table, while one node after the other is down.

use std::time::Duration;

use history::users::Input;
use protocol::id::PartitionId;
use protocol::view::Member;
use reqwest::StatusCode;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::load::FinishedCall;

/// How long after a node's death the gateway may still send it requests, because it has not yet
/// noticed the death.
const UNNOTICED: Duration = Duration::from_secs(2);

/// The time during which a node was down.
pub(crate) struct Outage {
    pub(crate) node: usize,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

/// A request that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) is_read: bool,
    pub(crate) partition: PartitionId,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    /// The status; `None` without an answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) has_retry_after: bool,
    pub(crate) problem: String,
}

/// No read fails. Updates fail only while their home is down: with 503 and `Retry-After`, or
/// with 504 if they were under way when home died.
pub(crate) fn assert_as_promised(cluster: &Cluster, seen: &FinishedCall, outages: &[Outage]) {
    let Some(problem) = &seen.ended.problem else { return };
    let failure = Failure {
        is_read: matches!(seen.input, Input::Read { .. }),
        partition: seen.partition,
        began: seen.began,
        took: seen.took,
        status: seen.ended.status,
        has_retry_after: seen.ended.has_retry_after,
        problem: problem.clone(),
    };
    assert_failure_is_promised(cluster, &failure, outages);
}

/// Checks a failed request against the promises of [`assert_as_promised`].
pub(crate) fn assert_failure_is_promised(cluster: &Cluster, failure: &Failure, outages: &[Outage]) {
    let Failure { began, took, problem, .. } = failure;
    assert!(!failure.is_read, "a read failed after {took:?}: {problem}");
    let outage = outages.iter().find(|outage| {
        let home = home_of(cluster, failure.partition);
        home == outage.node && *began <= outage.to && *began + *took >= outage.from
    });
    let Some(outage) = outage else {
        panic!("an update failed although its home was alive, after {took:?}: {problem}");
    };
    match failure.status {
        Some(StatusCode::SERVICE_UNAVAILABLE) => {
            assert!(failure.has_retry_after, "503 without Retry-After")
        }
        Some(StatusCode::GATEWAY_TIMEOUT) => {
            let unnoticed = outage.from + UNNOTICED;
            assert!(*began <= unnoticed, "504 for an update that was not under way: {problem}");
        }
        other => panic!("{other:?} is not what was promised: {problem}"),
    }
}

fn home_of(cluster: &Cluster, partition: PartitionId) -> usize {
    cluster.ring.holder(partition, Member::Home).index()
}
