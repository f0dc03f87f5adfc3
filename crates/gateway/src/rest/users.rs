//! The calls on user records.

use std::sync::Arc;
use std::time::Duration;

use api::path;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::entry::Answer;
use protocol::message::Action;
use protocol::precondition::{Precondition, Unmet};
use protocol::user::{NewUser, UserId, UserPatch};
use ring_core::gateway::{ClientRequest, Outcome, ServedBy, Unavailable};
use tokio::time::Instant;

use super::app::App;
use super::etag;
use super::problem::Problem;
use crate::config::ServedByHeader;

/// The minimum time before the gateway refuses a request because of overload. A client refused
/// at once may ask again at once. A refusal costs nearly as much as an answer: such clients
/// would take the gateway's time from the others.
const TURNED_AWAY_AFTER: Duration = Duration::from_millis(250);

/// The header with the name of the answering copy, if it is shown.
const SERVED_BY: HeaderName = HeaderName::from_static("chainring-served-by");

/// `POST /api/user/`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let precondition = etag::precondition(&headers)?;
    let new = NewUser::from_body(&app.json(&headers, body).await?)?;
    let user = new.with_id(|| made_up_id(&app));
    let id = user.id.clone();
    let location = HeaderValue::try_from(format!("{}{id}", path::USERS))
        .unwrap_or_else(|_| unreachable!("the characters of an id make a header"));
    let mut response = app.update(Action::Create { user, precondition }, Some(id)).await?;
    if response.status() == StatusCode::CREATED {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `GET /api/user/{id}`
pub(super) async fn read(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    app.read(user_id(id)?, &headers).await
}

/// `PUT /api/user/`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let precondition = etag::precondition(&headers)?;
    let patch = UserPatch::from_body(&app.json(&headers, body).await?)?;
    app.update(Action::Change { patch, precondition }, None).await
}

/// `DELETE /api/user/{id}`
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let (id, precondition) = (user_id(id)?, etag::precondition(&headers)?);
    app.update(Action::Delete { id, precondition }, None).await
}

impl App {
    /// Reads a user, if the headers are valid. Checks their precondition on the record.
    pub(super) async fn read(&self, id: UserId, headers: &HeaderMap) -> Result<Response, Problem> {
        let precondition = etag::precondition(headers)?;
        let respond = |answer: &Answer| read_answered(answer, &precondition);
        self.bring(ClientRequest::Read(id), None, respond).await
    }

    /// Carries out an update. `made_id` is the id to name if the outcome is unknown.
    async fn update(&self, action: Action, made_id: Option<UserId>) -> Result<Response, Problem> {
        self.bring(ClientRequest::Update(action), made_id, answered).await
    }

    /// Carries a request to its end, and turns its outcome into a response.
    async fn bring(
        &self,
        request: ClientRequest,
        made_id: Option<UserId>,
        respond: impl FnOnce(&Answer) -> Response,
    ) -> Result<Response, Problem> {
        let began = Instant::now();
        match self.driver.request(request).await {
            Outcome::Done { answer, served_by } => {
                let mut response = respond(&answer);
                if self.served_by == ServedByHeader::Shown {
                    response.headers_mut().insert(SERVED_BY, shown(&served_by));
                }
                Ok(response)
            }
            Outcome::NotDone(reason) => {
                if reason == Unavailable::Overloaded {
                    // The time already spent in the gateway's queue counts towards the pause.
                    self.driver.pause(TURNED_AWAY_AFTER.saturating_sub(began.elapsed())).await;
                }
                Err(reason.into())
            }
            Outcome::Unknown => Err(Problem::outcome_unknown(made_id)),
        }
    }
}

fn read_answered(answer: &Answer, precondition: &Precondition) -> Response {
    let unmet = match answer {
        Answer::Found { position, .. } => precondition.check(Some(*position)).err(),
        // A read of a missing user gets "not found", whatever its precondition.
        _ => None,
    };
    match (unmet, answer) {
        (Some(Unmet::IfNoneMatch), Answer::Found { position, .. }) => {
            (StatusCode::NOT_MODIFIED, [(ETAG, etag::header(*position))]).into_response()
        }
        (Some(_), _) => Problem::answer(&Answer::PreconditionFailed).into_response(),
        (None, answer) => answered(answer),
    }
}

fn answered(answer: &Answer) -> Response {
    match answer {
        Answer::Found { position, record } | Answer::Changed { position, record } => {
            (StatusCode::OK, headers_of(etag::header(*position)), record.clone()).into_response()
        }
        Answer::Created { position, record } => {
            (StatusCode::CREATED, headers_of(etag::header(*position)), record.clone())
                .into_response()
        }
        Answer::Deleted => StatusCode::NO_CONTENT.into_response(),
        Answer::NotFound | Answer::AlreadyExists | Answer::PreconditionFailed => {
            Problem::answer(answer).into_response()
        }
    }
}

fn headers_of(etag: HeaderValue) -> [(HeaderName, HeaderValue); 2] {
    [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (ETAG, etag)]
}

fn shown(served_by: &ServedBy) -> HeaderValue {
    let ServedBy { node, member, epoch } = served_by;
    HeaderValue::from_str(&format!("{node}; copy={member}; epoch={epoch}"))
        .unwrap_or_else(|_| unreachable!("the characters of a node id make a header"))
}

fn user_id(path: Result<Path<String>, PathRejection>) -> Result<UserId, Problem> {
    let Path(text) = path.map_err(|_| Problem::malformed("the id in the path is not UTF-8"))?;
    UserId::from_client(&text).map_err(|error| Problem::field("id", error.to_string()))
}

fn made_up_id(app: &App) -> UserId {
    let text = app.entropy.uuid_in_order().to_string();
    text.parse().unwrap_or_else(|_| unreachable!("a UUID has the characters of an id"))
}
