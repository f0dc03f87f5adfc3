//! The stable error codes of the REST interface.
//!
//! A problem's `type` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) is one of these codes
//! after [`TYPE_PREFIX`]. Clients may branch on it; titles and details may change their words.
//!
//! [`ProblemBody::to_json`] is the only place where a problem becomes bytes. It keeps every body
//! within [`BODY_BYTES_MAX`], whatever the client sent.

use std::borrow::Cow;

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use crate::user::{FieldError, UserId};

/// The media type of a problem's body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The beginning of every `type`. It is a name; nobody needs to fetch it (RFC 9457, section 3.1.1).
pub const TYPE_PREFIX: &str = "tag:chainring,2026:problem:";

/// The largest body of a problem, in bytes.
pub const BODY_BYTES_MAX: usize = 4 << 10;

/// The largest number of faults named in a body. The body counts the others.
pub const ERRORS_MAX: usize = 10;

/// The longest name of a field in a body, in bytes of JSON.
pub(crate) const FIELD_BYTES_MAX: usize = 64;

/// The longest description of a fault in a body, in bytes of JSON.
const FAULT_BYTES_MAX: usize = 128;

/// The longest `detail` of a body, in bytes of JSON.
const DETAIL_BYTES_MAX: usize = 1400;

/// A kind of failure visible to a REST client. Its code is the name of the variant in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ProblemType {
    /// The body is not JSON, or the request is malformed in another way.
    Malformed,
    /// The request has no API token, or an unknown one.
    Unauthenticated,
    /// The role of the API token does not suffice.
    Forbidden,
    /// There is no user with this id.
    UserNotFound,
    /// There is nothing at this path.
    NoRoute,
    /// The path exists, but not for this method. `Allow` lists the allowed methods.
    MethodNotAllowed,
    /// The body did not arrive in time.
    TooSlow,
    /// A user with this id exists already.
    UserExists,
    /// The partition has no loss for an operator to accept, or cannot go on with that copy.
    NothingToAccept,
    /// The current record does not meet `If-Match` or `If-None-Match`.
    PreconditionFailed,
    /// The body is larger than the gateway's limit, 64 KiB by default.
    TooLarge,
    /// The gateway asks for no tokens, and the name in `Host` is not one of its own.
    MisdirectedRequest,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// A field is unknown, missing or invalid; `errors` names each.
    InvalidField,
    /// The request was certainly not done, and is safe to repeat. `Retry-After` says when.
    Unavailable,
    /// The request was certainly not done, and is safe to repeat. The gateway has as much work
    /// as it can handle.
    Overloaded,
    /// The update may have been done, or may still be done: look before repeating it.
    OutcomeUnknown,
    /// A defect of Chainring.
    Internal,
}

impl ProblemType {
    /// All problem types.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The code as text. It must never change.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// The member `type` of a problem.
    pub fn uri(self) -> String {
        format!("{TYPE_PREFIX}{}", self.code())
    }

    /// The HTTP status of the response.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::UserNotFound | Self::NoRoute => 404,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::UserExists | Self::NothingToAccept => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::MisdirectedRequest => 421,
            Self::InvalidField => 422,
            Self::Internal => 500,
            Self::Unavailable | Self::Overloaded => 503,
            Self::OutcomeUnknown => 504,
        }
    }

    /// A short summary, the same for every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request is malformed",
            Self::Unauthenticated => "An API token is needed",
            Self::Forbidden => "The API token may not do this",
            Self::UserNotFound => "There is no such user",
            Self::NoRoute => "There is nothing at this path",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::TooSlow => "The request took too long to arrive",
            Self::UserExists => "The user exists already",
            Self::NothingToAccept => "The loss cannot be accepted",
            Self::PreconditionFailed => "The record does not meet the precondition",
            Self::TooLarge => "The body is too large",
            Self::MisdirectedRequest => "The request is meant for another host",
            Self::UnsupportedMediaType => "The body must be application/json",
            Self::InvalidField => "A field is invalid",
            Self::Unavailable => "Not available now",
            Self::Overloaded => "The gateway is busy",
            Self::OutcomeUnknown => "The outcome of the update is unknown",
            Self::Internal => "Something went wrong inside",
        }
    }

    /// The value of the header `Retry-After`, in seconds; none if repeating the request does not
    /// help.
    pub fn retry_after(self) -> Option<&'static str> {
        matches!(self, Self::Unavailable | Self::Overloaded).then_some("1")
    }
}

/// The report of a failure to the client.
#[derive(Debug, Clone, Copy)]
pub struct ProblemBody<'a> {
    /// The kind of the failure.
    pub kind: ProblemType,
    /// The cause this time, and the remedy.
    pub detail: &'a str,
    /// The fields at fault. The body names the first [`ERRORS_MAX`].
    pub errors: &'a [FieldError],
    /// The user of a create with an unknown outcome.
    pub id: Option<&'a UserId>,
}

impl ProblemBody<'_> {
    /// The body of a response, of at most [`BODY_BYTES_MAX`] bytes. Long texts are shortened.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: Cow<'a, str>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<Fault<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            more_errors: Option<usize>,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a UserId>,
        }
        #[derive(Serialize)]
        struct Fault<'a> {
            field: Cow<'a, str>,
            detail: Cow<'a, str>,
        }
        impl<'a> Fault<'a> {
            fn of(error: &'a FieldError) -> Self {
                let (field, detail) = (&error.field, &error.detail);
                Self {
                    field: shortened(field, FIELD_BYTES_MAX),
                    detail: shortened(detail, FAULT_BYTES_MAX),
                }
            }
        }
        let Self { kind, detail, errors, id } = *self;
        let more_errors = errors.len().saturating_sub(ERRORS_MAX);
        let body = Body {
            r#type: kind.uri(),
            title: kind.title(),
            status: kind.status(),
            detail: shortened(detail, DETAIL_BYTES_MAX),
            errors: errors.iter().take(ERRORS_MAX).map(Fault::of).collect(),
            more_errors: (more_errors > 0).then_some(more_errors),
            id,
        };
        serde_json::to_string(&body)
            .unwrap_or_else(|error| unreachable!("a problem always serialises: {error}"))
    }
}

/// Shortens a text of more than `bytes_max` bytes in a JSON string. The cut is between two
/// characters, and `…` replaces the rest.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> Cow<'_, str> {
    const ELLIPSIS: char = '…';
    let kept_max = bytes_max.saturating_sub(ELLIPSIS.len_utf8());
    let (mut length, mut kept) = (0_usize, "");
    for (at, character) in text.char_indices() {
        if length <= kept_max {
            kept = text.get(..at).unwrap_or_default();
        }
        length = length.saturating_add(length_in_json(character));
        if length > bytes_max {
            return Cow::Owned(format!("{kept}{ELLIPSIS}"));
        }
    }
    Cow::Borrowed(text)
}

/// The length of a character in a JSON string, in bytes.
fn length_in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{BodyError, NewUser, UserPatch};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn every_problem_is_in_the_documents() {
        let document = include_str!("../../../docs/protocol.md");
        for problem in ProblemType::ALL {
            let (status, code) = (format!("| {} |", problem.status()), problem.code());
            let is_row = |line: &str| line.starts_with(&status) && line.contains(code);
            assert!(document.lines().any(is_row), "{status} `{code}` is not in docs/protocol.md");
        }
    }

    fn body_of(kind: ProblemType, detail: &str, errors: &[FieldError]) -> Value {
        let id = "x".repeat(crate::user::USER_ID_LENGTH_MAX).parse().unwrap();
        let json = ProblemBody { kind, detail, errors, id: Some(&id) }.to_json();
        assert!(json.len() <= BODY_BYTES_MAX, "{} bytes: {json}", json.len());
        serde_json::from_str(&json).unwrap()
    }

    /// Texts of every length. Their characters take one to six bytes in JSON.
    fn text() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            any::<char>(),
            Just('a'),
            Just('"'),
            Just('\0'),
            Just('\n'),
            Just('…'),
            Just('\u{1f600}'),
            Just('\u{301}'),
        ];
        (character.clone(), vec(character, 0..40), 0..200_usize).prop_map(|(one, many, times)| {
            let many = many.into_iter().collect::<String>();
            format!("{}{many}", one.to_string().repeat(times))
        })
    }

    proptest! {
        #[test]
        fn no_body_is_larger_than_it_may_be(
            kind in prop::sample::select(ProblemType::ALL),
            detail in text(),
            errors in vec((text(), text()), 0..30),
        ) {
            let fault = |(field, detail)| FieldError { field, detail };
            let errors = errors.into_iter().map(fault).collect::<Vec<_>>();
            let body = body_of(kind, &detail, &errors);
            let named = body["errors"].as_array().map_or(0, Vec::len);
            prop_assert_eq!(named, errors.len().min(ERRORS_MAX));
            let more = body["more_errors"].as_u64().unwrap_or(0);
            prop_assert_eq!(named as u64 + more, errors.len() as u64);
        }

        #[test]
        fn a_text_is_shortened_between_characters_and_only_if_it_is_too_long(
            text in text(),
            bytes_max in 3..300_usize,
        ) {
            let json_length = |text: &str| serde_json::to_string(text).unwrap().len() - 2;
            let shown = shortened(&text, bytes_max);
            prop_assert!(json_length(&shown) <= bytes_max);
            if json_length(&text) <= bytes_max {
                prop_assert_eq!(&*shown, &text);
            } else {
                let kept = shown.strip_suffix('…').unwrap();
                prop_assert!(text.starts_with(kept));
                let next = text[kept.len()..].chars().next().unwrap();
                prop_assert!(json_length(kept) + length_in_json(next) + 3 > bytes_max);
            }
        }

        #[test]
        fn the_faults_of_a_hostile_body_are_counted_and_the_first_are_named(
            names in vec(text(), 0..60),
            given in vec(prop::sample::select(&["id", "name", "email", "group"][..]), 0..8),
        ) {
            let unknown = names.iter().map(String::as_str).chain(given.iter().copied());
            let members = unknown.map(|name| format!("{}:7", Value::from(name)));
            let body = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            let errors = [
                NewUser::from_body(body.as_bytes()).map(drop).unwrap_err(),
                UserPatch::from_body(body.as_bytes()).map(drop).unwrap_err(),
            ];
            for error in errors {
                let detail = error.to_string();
                let BodyError::Fields(errors) = error else { panic!("{detail}") };
                let body = body_of(ProblemType::InvalidField, &detail, &errors);
                let told = body["detail"].as_str().unwrap();
                for fault in body["errors"].as_array().unwrap() {
                    let (field, words) = (fault["field"].as_str(), fault["detail"].as_str());
                    let described = format!("{} {}", field.unwrap(), words.unwrap());
                    prop_assert!(told.contains(&described), "{}", told);
                }
                if let Some(more) = errors.len().checked_sub(ERRORS_MAX).filter(|more| *more > 0) {
                    let suffix = format!("; and {more} more");
                    prop_assert!(told.ends_with(&suffix), "{}", told);
                }
            }
        }
    }

    #[test]
    fn the_longest_problem_fits() {
        let fault = FieldError { field: "x".repeat(1000), detail: "y".repeat(1000) };
        for kind in ProblemType::ALL {
            body_of(*kind, &"z".repeat(10_000), &vec![fault.clone(); 100_000]);
        }
    }
}
