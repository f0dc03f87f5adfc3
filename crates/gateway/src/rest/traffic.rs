//! Counts the requests of clients and their outcomes, since the start of the process.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use protocol::problem::ProblemType;

/// The upper bounds of the buckets of durations, in seconds.
const BUCKETS: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The statuses of successful responses. [`OTHER`] stands for any other status.
const STATUSES: [u16; 6] = [200, 201, 202, 204, 304, OTHER];

/// Any other status.
const OTHER: u16 = 0;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Create,
    Change,
    Delete,
    Other,
}

/// The requests of clients and their outcomes.
pub(super) struct Traffic {
    of_kind: [OfKind; Kind::ALL.len()],
    took: Family<Took, Histogram, fn() -> Histogram>,
}

/// The requests of one kind and their outcomes.
struct OfKind {
    succeeded: [AtomicU64; STATUSES.len()],
    failed: [AtomicU64; ProblemType::ALL.len()],
    /// The family's histogram of this kind.
    took: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Took {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    kind: &'static str,
    status: u16,
    /// The code of the problem; empty if the request succeeded.
    problem: &'static str,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Read, Self::Create, Self::Change, Self::Delete, Self::Other];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Other => "other",
        }
    }
}

impl Traffic {
    pub(super) fn new() -> Self {
        let took = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let of_kind = Kind::ALL.map(|kind| OfKind {
            succeeded: array::from_fn(|_| AtomicU64::new(0)),
            failed: array::from_fn(|_| AtomicU64::new(0)),
            took: took.get_or_create(&Took { kind: kind.name() }).clone(),
        });
        Self { of_kind, took }
    }

    /// Counts an answered request. `took` is the time from the request to its answer.
    pub(super) fn answered(&self, kind: Kind, response: &Response, took: Duration) {
        let of = &self.of_kind[kind as usize];
        let problem = response.extensions().get::<ProblemType>();
        let count = match problem {
            Some(problem) => &of.failed[*problem as usize],
            None => &of.succeeded[index_of(response.status())],
        };
        count.fetch_add(1, Ordering::Relaxed);
        // Refusals at the door are left out: their durations say nothing about the waiting time
        // of other requests.
        let at_the_door =
            [ProblemType::Unauthenticated, ProblemType::Forbidden, ProblemType::MisdirectedRequest];
        if !problem.is_some_and(|problem| at_the_door.contains(problem)) {
            of.took.observe(took.as_secs_f64());
        }
    }

    /// Adds the counts to the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        let answered = Family::<Answered, Counter>::default();
        for (kind, of) in Kind::ALL.into_iter().map(Kind::name).zip(&self.of_kind) {
            let succeeded = STATUSES.into_iter().map(|status| (status, "")).zip(&of.succeeded);
            let problems =
                ProblemType::ALL.iter().map(|problem| (problem.status(), problem.code()));
            for ((status, problem), count) in succeeded.chain(problems.zip(&of.failed)) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = Answered { kind, status, problem };
                    answered.get_or_create(&labels).inc_by(count);
                }
            }
        }
        let help = "How many requests of clients were answered, by the problem that they met";
        registry.register("requests", help, answered);
        let help = "How long it took from the head of a request to its answer, the pause of who is turned away included";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.took.clone());
    }
}

fn index_of(status: StatusCode) -> usize {
    let known = STATUSES.iter().position(|known| *known == status.as_u16());
    known.unwrap_or(STATUSES.len() - 1)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::rest::problem::Problem;

    #[test]
    fn what_is_answered_is_counted_by_kind_status_and_problem() {
        let traffic = Traffic::new();
        let took = Duration::from_millis(3);
        traffic.answered(Kind::Read, &StatusCode::OK.into_response(), took);
        traffic.answered(Kind::Read, &StatusCode::OK.into_response(), took);
        let problem = || Problem::new(ProblemType::Overloaded, "busy").into_response();
        traffic.answered(Kind::Change, &problem(), took);
        let mut registry = Registry::with_prefix("chainring");
        traffic.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            r#"chainring_requests_total{kind="read",status="200",problem=""} 2"#,
            r#"chainring_requests_total{kind="change",status="503",problem="overloaded"} 1"#,
            r#"chainring_request_duration_seconds_count{kind="read"} 2"#,
            r#"chainring_request_duration_seconds_bucket{le="0.0025",kind="read"} 0"#,
            r#"chainring_request_duration_seconds_bucket{le="0.005",kind="read"} 2"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn every_kind_and_every_problem_has_its_place() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
        for (index, problem) in ProblemType::ALL.iter().enumerate() {
            assert_eq!(*problem as usize, index);
        }
    }
}
