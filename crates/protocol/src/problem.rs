//! The stable error codes of the REST interface.
//!
//! A problem's `type` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) is one of these under
//! [`TYPE_PREFIX`]. Clients may branch on it; titles and details may change their words.

use serde::Serialize;

use crate::user::{FieldError, UserId};

/// The media type of a problem's body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every `type` begins with. It names, it need not be fetched (RFC 9457, section 3.1.1).
pub const TYPE_PREFIX: &str = "tag:chainring,2026:problem:";

/// Defines the problems with code, status and title.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// A kind of failure that a REST client can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType {
            $($(#[$doc])* $name,)*
        }

        impl ProblemType {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text, never to be changed.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What the member `type` of a problem says.
            pub fn uri(self) -> String {
                format!("{TYPE_PREFIX}{}", self.code())
            }

            /// The HTTP status that comes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// A short summary, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// The body is not JSON, or the request is malformed in another way.
    Malformed = "malformed", 400, "The request is malformed";
    /// The request has no API token, or none that is known.
    Unauthenticated = "unauthenticated", 401, "An API token is needed";
    /// The role of the API token does not suffice.
    Forbidden = "forbidden", 403, "The API token may not do this";
    /// There is no user of that id.
    UserNotFound = "user-not-found", 404, "There is no such user";
    /// There is nothing at that path.
    NoRoute = "no-route", 404, "There is nothing at this path";
    /// The path exists, but not for that method; `Allow` has those that do.
    MethodNotAllowed = "method-not-allowed", 405, "The method is not allowed here";
    /// The body did not arrive in time.
    TooSlow = "too-slow", 408, "The request took too long to arrive";
    /// A user of that id exists already.
    UserExists = "user-exists", 409, "The user exists already";
    /// The partition has lost nothing that an operator could accept, or cannot go on with that copy.
    NothingToAccept = "nothing-to-accept", 409, "The loss cannot be accepted";
    /// The record is not at the position that `If-Match` asks for.
    PreconditionFailed = "precondition-failed", 412, "The record has changed";
    /// The body is larger than the gateway takes, which is 64 KiB unless told.
    TooLarge = "too-large", 413, "The body is too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported-media-type", 415, "The body must be application/json";
    /// A field is unknown, missing or invalid; `errors` names each.
    InvalidField = "invalid-field", 422, "A field is invalid";
    /// Certainly not done, safe to repeat; `Retry-After` says when.
    Unavailable = "unavailable", 503, "The partition of the user is not available now";
    /// Certainly not done, safe to repeat: the gateway has as much to do as it can bear.
    Overloaded = "overloaded", 503, "The gateway is busy";
    /// It may have been done, or may still be: look before repeating it.
    OutcomeUnknown = "outcome-unknown", 504, "The outcome of the update is unknown";
    /// A defect of Chainring.
    Internal = "internal", 500, "Something went wrong inside";
}

impl ProblemType {
    /// What the header `Retry-After` says, where the request is worth another attempt: a number of seconds.
    pub fn retry_after(self) -> Option<&'static str> {
        matches!(self, Self::Unavailable | Self::Overloaded).then_some("1")
    }
}

/// What is told of a failure.
#[derive(Debug, Clone, Copy)]
pub struct ProblemBody<'a> {
    /// Its kind.
    pub kind: ProblemType,
    /// What is wrong this time, and what to do.
    pub detail: &'a str,
    /// The fields that are wrong.
    pub errors: &'a [FieldError],
    /// The user of whom nobody knows whether it was created.
    pub id: Option<&'a UserId>,
}

impl ProblemBody<'_> {
    /// The body of a response.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a UserId>,
        }
        let Self { kind, detail, errors, id } = *self;
        let body = Body {
            r#type: kind.uri(),
            title: kind.title(),
            status: kind.status(),
            detail,
            errors,
            id,
        };
        serde_json::to_string(&body)
            .unwrap_or_else(|error| unreachable!("a problem always serialises: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_problems_share_a_code() {
        let codes: BTreeSet<_> = ProblemType::ALL.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes.len(), ProblemType::ALL.len());
    }
}
