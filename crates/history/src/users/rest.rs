//! The calls of the REST interface. All kinds of tests use this module to turn an [`Input`] into
//! a request, and a response into an [`Outcome`].

use http::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Fields, Input, Output};
use crate::operation::Outcome;

/// The record in a body.
#[derive(Serialize, Deserialize)]
struct Record<F> {
    id: String,
    #[serde(flatten)]
    fields: F,
}

/// The progress of a request without a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// There was no connection, so no byte of it was sent.
    Nothing,
    /// Some of it was sent, perhaps all.
    Something,
}

/// The request of a client for `input`. `base` is put before the path: empty, or
/// `http://host:port`.
///
/// # Panics
///
/// When `base`, the user's id or the etag cannot be part of a request.
pub fn request(base: &str, input: &Input) -> Request<Vec<u8>> {
    let all = || format!("{base}/api/user/");
    let one = |id: &str| format!("{base}/api/user/{id}");
    let (method, uri, body) = match input {
        Input::Create { id, fields } => (Method::POST, all(), Some(json(id, fields))),
        Input::Read { id } => (Method::GET, one(id), None),
        Input::Change { id, patch, .. } => (Method::PUT, all(), Some(json(id, patch))),
        Input::Delete { id, .. } => (Method::DELETE, one(id), None),
    };
    let mut request = Request::builder().method(method).uri(uri);
    if let Input::Change { if_match, if_none_match, .. }
    | Input::Delete { if_match, if_none_match, .. } = input
    {
        for (name, etags) in [(IF_MATCH, if_match), (IF_NONE_MATCH, if_none_match)] {
            if let Some(etags) = etags {
                request = request.header(name, etags);
            }
        }
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request
        .body(body.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{input:?} makes no request: {error}"))
}

fn json(id: &str, fields: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&Record { id: id.to_owned(), fields })
        .unwrap_or_else(|error| unreachable!("a record always serialises: {error}"))
}

/// The outcome of `input` after a whole response.
pub fn outcome(input: &Input, response: &Response<impl AsRef<[u8]>>) -> Outcome<Output> {
    match output(input, response) {
        Some(output) => Outcome::Done(output),
        None if response.status() == StatusCode::SERVICE_UNAVAILABLE => Outcome::NotDone,
        None => without_answer(input, Sent::Something),
    }
}

/// The outcome of `input` without an answer, or without one that the client understands.
pub fn without_answer(input: &Input, sent: Sent) -> Outcome<Output> {
    match (input, sent) {
        (Input::Read { .. }, _) | (_, Sent::Nothing) => Outcome::NotDone,
        (_, Sent::Something) => Outcome::Unknown,
    }
}

/// The fields of a record in JSON; none if it is not the record of `id`.
pub fn fields_of(id: &str, json: &[u8]) -> Option<Fields> {
    let record: Record<RecordFields> = serde_json::from_slice(json).ok()?;
    let RecordFields { name, email, group } = record.fields;
    (record.id == id).then_some(Fields { name, email, group })
}

/// The same as [`Fields`], but for a flattened field: `deny_unknown_fields` does not work there.
#[derive(Deserialize)]
struct RecordFields {
    name: String,
    email: String,
    group: u32,
}

fn output(input: &Input, response: &Response<impl AsRef<[u8]>>) -> Option<Output> {
    let headers = response.headers();
    let etag = headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let fields =
        || is_json(headers).then(|| fields_of(input.id(), response.body().as_ref())).flatten();
    match (input, response.status()) {
        (Input::Create { .. }, StatusCode::CREATED) => Some(Output::Created { etag }),
        (Input::Create { .. }, StatusCode::CONFLICT) => Some(Output::AlreadyExists),
        (Input::Read { .. }, StatusCode::OK) => Some(Output::Found { fields: fields()?, etag }),
        (Input::Change { .. }, StatusCode::OK) => Some(Output::Changed { fields: fields()?, etag }),
        (Input::Delete { .. }, StatusCode::NO_CONTENT) => Some(Output::Deleted),
        (Input::Change { .. } | Input::Delete { .. }, StatusCode::PRECONDITION_FAILED) => {
            Some(Output::PreconditionFailed)
        }
        (
            Input::Read { .. } | Input::Change { .. } | Input::Delete { .. },
            StatusCode::NOT_FOUND,
        ) => Some(Output::NotFound),
        _ => None,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

#[cfg(test)]
mod tests {
    use super::super::Patch;
    use super::*;

    fn fields() -> Fields {
        Fields { name: "Ada".to_owned(), email: "ada@example.org".to_owned(), group: 3 }
    }

    fn answer(status: u16, body: &str) -> Response<Vec<u8>> {
        let response = Response::builder().status(status).header(ETAG, "\"1-2\"");
        response.header(CONTENT_TYPE, "application/json").body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_change_sends_the_fields_that_it_sets() {
        let patch = Patch { group: Some(0), ..Patch::default() };
        let (if_match, if_none_match) = (Some("\"1-2\"".to_owned()), Some("*".to_owned()));
        let input = Input::Change { id: "u".to_owned(), patch, if_match, if_none_match };
        let request = request("http://h:1", &input);
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.uri(), "http://h:1/api/user/");
        assert_eq!(request.headers()[IF_MATCH], "\"1-2\"");
        assert_eq!(request.headers()[IF_NONE_MATCH], "*");
        assert_eq!(request.body(), br#"{"id":"u","group":0}"#);
    }

    #[test]
    fn a_record_is_understood_only_if_it_is_the_one_asked_for() {
        let read = Input::Read { id: "u".to_owned() };
        let body = r#"{"id":"u","name":"Ada","email":"ada@example.org","group":3}"#;
        let etag = Some("\"1-2\"".to_owned());
        let found = Outcome::Done(Output::Found { fields: fields(), etag });
        assert_eq!(outcome(&read, &answer(200, body)), found);
        let other = Input::Read { id: "v".to_owned() };
        assert_eq!(outcome(&other, &answer(200, body)), Outcome::NotDone);
    }

    #[test]
    fn an_update_without_a_clear_answer_is_of_unknown_outcome() {
        let create = Input::Create { id: "u".to_owned(), fields: fields() };
        assert_eq!(outcome(&create, &answer(503, "")), Outcome::NotDone);
        assert_eq!(outcome(&create, &answer(504, "")), Outcome::Unknown);
        assert_eq!(outcome(&create, &answer(500, "")), Outcome::Unknown);
        assert_eq!(without_answer(&create, Sent::Nothing), Outcome::NotDone);
        assert_eq!(without_answer(&create, Sent::Something), Outcome::Unknown);
    }
}
