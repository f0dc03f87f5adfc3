//! The status of the cluster, and health in the form of
//! [Kubernetes](https://kubernetes.io/docs/reference/using-api/health-checks/).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ring_core::gateway::Unavailable;

use super::app::App;
use super::problem::Problem;

/// The nodes, the partitions, and the reasons where a partition is not available.
pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.status_now()
}

impl App {
    /// The status of the cluster as a response.
    pub(super) fn status_now(&self) -> Result<Response, Problem> {
        let status = serde_json::to_vec(&self.driver.status())
            .unwrap_or_else(|error| unreachable!("a status always serialises: {error}"));
        self.waiting.sliced("application/json", status)
    }
}

/// Liveness: answers while the process is alive.
pub(super) async fn alive() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// Readiness: there is a cluster, at least one node is linked, and the gateway is not ending.
///
/// An unavailable partition does not make the gateway unready: the other partitions are
/// available, and there is no other gateway.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.closing.is_cancelled() {
        return Problem::from(Unavailable::Ending).into_response();
    }
    let status = app.driver.status();
    if status.cluster.is_none() {
        Problem::from(Unavailable::NotFormed).into_response()
    } else if status.nodes.iter().any(|node| node.linked) {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        Problem::no_node_linked().into_response()
    }
}
