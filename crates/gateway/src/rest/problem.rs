//! Failures as responses: `application/problem+json` (RFC 9457). Only this file turns outcomes
//! into statuses.

use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::entry::Answer;
use protocol::problem::{MEDIA_TYPE, ProblemBody, ProblemType};
use protocol::user::{BodyError, FieldError, UserId};
use ring_core::gateway::Unavailable;

use crate::access::Denied;

/// A failure to report to a client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemType,
    detail: String,
    errors: Vec<FieldError>,
    id: Option<UserId>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), id: None }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::Malformed, detail)
    }

    pub(crate) fn no_route() -> Self {
        Self::new(
            ProblemType::NoRoute,
            "users are at /api/user/ and /api/user/{id}, the cluster at /api/cluster; /api/openapi.json describes all there is",
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(ProblemType::MethodNotAllowed, "the Allow header names the methods of this path")
    }

    pub(crate) fn too_slow(allowed: Duration) -> Self {
        let detail = format!("the body was not there after {allowed:?}; nothing was changed");
        Self::new(ProblemType::TooSlow, detail)
    }

    /// The problem of a field with a fault.
    pub(crate) fn field(field: &str, detail: impl Into<String>) -> Self {
        let error = FieldError { field: field.to_owned(), detail: detail.into() };
        Self {
            errors: vec![error.clone()],
            ..Self::new(ProblemType::InvalidField, error.to_string())
        }
    }

    /// The cluster is formed, but no node is linked.
    pub(crate) fn no_node_linked() -> Self {
        let detail = "no node is linked to the gateway, so no user can be served; /api/cluster names the nodes";
        Self::new(ProblemType::Unavailable, detail)
    }

    /// The update was perhaps done, or may still be done.
    pub(crate) fn outcome_unknown(id: Option<UserId>) -> Self {
        let detail =
            "the update may have been done, or may still be: read the user before you repeat it";
        Self { id, ..Self::new(ProblemType::OutcomeUnknown, detail) }
    }

    /// The problem of an unsuccessful answer.
    pub(crate) fn answer(answer: &Answer) -> Self {
        match answer {
            Answer::NotFound => Self::new(ProblemType::UserNotFound, "there is no user of this id"),
            Answer::AlreadyExists => Self::new(
                ProblemType::UserExists,
                "there is a user of this id: change it with PUT, or choose another id",
            ),
            Answer::PreconditionFailed => Self::new(
                ProblemType::PreconditionFailed,
                "the record does not meet If-Match or If-None-Match: read it again, and send the ETag of what was read",
            ),
            Answer::Found { .. }
            | Answer::Created { .. }
            | Answer::Changed { .. }
            | Answer::Deleted => {
                Self::new(ProblemType::Internal, "a node gave an answer to another question")
            }
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::new(
                ProblemType::Unauthenticated,
                "send the header Authorization: Bearer TOKEN, with a token that the gateway knows",
            ),
            Denied::Forbidden(role) => {
                Self::new(ProblemType::Forbidden, format!("a token of role {role} may do this"))
            }
            Denied::Misdirected => Self::new(
                ProblemType::MisdirectedRequest,
                "the gateway does not answer to the name in Host: use localhost or its address, or start it \
                 with --host NAME",
            ),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(reason: Unavailable) -> Self {
        let (kind, detail) = match reason {
            Unavailable::NotFormed => (
                ProblemType::Unavailable,
                "the cluster is not formed yet: not all of its nodes have come",
            ),
            Unavailable::NoPrimary => (
                ProblemType::Unavailable,
                "no copy takes this user's updates now: the primary's node is not linked, or its copy is being restored; \
                 nothing was changed",
            ),
            Unavailable::DeadlinePassed => (
                ProblemType::Unavailable,
                "no node could serve the request in time; nothing was changed",
            ),
            Unavailable::Lost => (
                ProblemType::Unavailable,
                "the newest data of this user's partition is lost until an operator finds it or accepts that; nothing was \
                 changed",
            ),
            Unavailable::Undecodable => (
                ProblemType::Unavailable,
                "the node could not read the request: a defect of Chainring, please report it; nothing was changed",
            ),
            Unavailable::Overloaded => {
                (ProblemType::Overloaded, "too many requests are under way; nothing was changed")
            }
            Unavailable::Ending => {
                (ProblemType::Unavailable, "the gateway is ending; nothing was changed")
            }
        };
        Self::new(kind, detail)
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        match error {
            BodyError::Malformed(_) => Self::new(ProblemType::Malformed, detail),
            BodyError::NotAnObject => Self::new(ProblemType::InvalidField, detail),
            BodyError::Fields(errors) => {
                Self { errors, ..Self::new(ProblemType::InvalidField, detail) }
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { kind, detail, errors, id } = &self;
        let status =
            StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ProblemBody { kind: *kind, detail, errors, id: id.as_ref() };
        let mut response = (status, body.to_json()).into_response();
        response.extensions_mut().insert(*kind);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = kind.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        match kind {
            ProblemType::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // The rest of the body may still arrive. It would be taken for another request.
            ProblemType::TooSlow => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
