//! An operator's last resort: a partition goes on without its lost updates.

use std::sync::Arc;

use api::AcceptLoss;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::problem::ProblemType;
use ring_core::gateway::Unavailable;

use super::app::App;
use super::problem::Problem;
use crate::driver::NotAccepted;

/// `POST /api/cluster/accept-loss`
///
/// 202: the view change has begun; `GET /api/cluster` shows it.
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = app.json(&headers, body).await?;
    let AcceptLoss { partition, from } = serde_json::from_slice(&body).map_err(|error| {
        let kind = if error.is_data() { ProblemType::InvalidField } else { ProblemType::Malformed };
        let example = r#"{"partition": 1, "from": "db-2"}"#;
        Problem::new(kind, format!("{error}; send the partition and the node: {example}"))
    })?;
    app.driver.accept_loss(partition, &from)?;
    // The loss is accepted, even if there is no room for a response with the status.
    let mut response = app.status_now().unwrap_or_default();
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

impl From<NotAccepted> for Problem {
    fn from(reason: NotAccepted) -> Self {
        match reason {
            NotAccepted::Loss(error) => Self::new(ProblemType::NothingToAccept, error.to_string()),
            NotAccepted::Ending => Unavailable::Ending.into(),
        }
    }
}
