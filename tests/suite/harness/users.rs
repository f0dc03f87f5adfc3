//! REST calls on users, told as the history's outcomes.

use history::Outcome;
use history::users::{Fields, Input, Output};
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// How a call ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome<Output>,
    /// The status, where there was an answer.
    pub(crate) status: Option<StatusCode>,
    /// What was wrong with the answer, or with the connection.
    pub(crate) problem: Option<String>,
    pub(crate) has_retry_after: bool,
}

/// Sends what a client asks for and tells what came of it.
pub(crate) async fn call(http: &Client, url: &str, input: &Input) -> Ended {
    match request(http, url, input).send().await {
        Ok(response) => answered(input, response).await,
        Err(error) => lost(input, &error),
    }
}

fn request(http: &Client, url: &str, input: &Input) -> RequestBuilder {
    let with_if_match = |request: RequestBuilder, etag: &Option<String>| match etag {
        Some(etag) => request.header(IF_MATCH, etag),
        None => request,
    };
    match input {
        Input::Create { id, fields } => {
            let Fields { name, email, group } = fields;
            let body = json!({ "id": id, "name": name, "email": email, "group": group });
            http.post(format!("{url}/api/user/")).json(&body)
        }
        Input::Read { id } => http.get(format!("{url}/api/user/{id}")),
        Input::Change { id, patch, if_match } => {
            let mut body = json!({ "id": id });
            if let Some(name) = &patch.name {
                body["name"] = json!(name);
            }
            if let Some(email) = &patch.email {
                body["email"] = json!(email);
            }
            if let Some(group) = patch.group {
                body["group"] = json!(group);
            }
            with_if_match(http.put(format!("{url}/api/user/")).json(&body), if_match)
        }
        Input::Delete { id, if_match } => {
            with_if_match(http.delete(format!("{url}/api/user/{id}")), if_match)
        }
    }
}

/// The connection broke: what was never sent was not done.
fn lost(input: &Input, error: &reqwest::Error) -> Ended {
    let is_read = matches!(input, Input::Read { .. });
    let outcome = if is_read || error.is_connect() { Outcome::NotDone } else { Outcome::Unknown };
    Ended { outcome, status: None, problem: Some(error.to_string()), has_retry_after: false }
}

async fn answered(input: &Input, response: Response) -> Ended {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return lost(input, &error),
    };
    let output = output(input, status, &headers, &body);
    let outcome = match (output, status) {
        (Some(output), _) => Outcome::Done(output),
        (None, StatusCode::SERVICE_UNAVAILABLE) => Outcome::NotDone,
        (None, _) if matches!(input, Input::Read { .. }) => Outcome::NotDone,
        (None, _) => Outcome::Unknown,
    };
    let is_done = matches!(outcome, Outcome::Done(_));
    let problem = (!is_done).then(|| format!("{status}: {}", String::from_utf8_lossy(&body)));
    Ended {
        outcome,
        status: Some(status),
        problem,
        has_retry_after: headers.contains_key(RETRY_AFTER),
    }
}

fn output(input: &Input, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Output> {
    let etag = headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let fields = || is_json.then(|| fields_of(input.id(), body)).flatten();
    match (input, status) {
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

/// The fields of a record in JSON; none if it is not the record of `id`.
pub(crate) fn fields_of(id: &str, json: &[u8]) -> Option<Fields> {
    let record: Value = serde_json::from_slice(json).ok()?;
    let text = |field: &str| Some(record.get(field)?.as_str()?.to_owned());
    let group = record.get("group")?.as_u64()?.try_into().ok()?;
    let fields = Fields { name: text("name")?, email: text("email")?, group };
    (text("id")? == id).then_some(fields)
}
