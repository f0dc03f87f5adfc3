//! What is known of the cluster, and health as [Kubernetes](https://kubernetes.io/docs/reference/using-api/health-checks/)
//! asks for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ring::router::Unavailable;

use super::App;
use super::problem::Problem;

/// The nodes, the partitions, and why something is not available.
pub(super) async fn status(State(app): State<Arc<App>>) -> Response {
    Json(app.driver.status()).into_response()
}

/// Whether the process is alive.
pub(super) async fn alive() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// Whether it is worth sending requests here: there is a cluster, and a node to talk to.
///
/// A partition that is not available does not make the gateway unready: the others are, and there is no other gateway.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let status = app.driver.status();
    if status.cluster.is_some() && status.nodes.iter().any(|node| node.linked) {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        Problem::from(Unavailable::NotFormed).into_response()
    }
}
