//! REST calls about users, with the outcomes of the history.

use history::Outcome;
use history::users::rest::{self, Sent};
use history::users::{Input, Output};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Request, Response, StatusCode};

/// How a call ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome<Output>,
    /// The status; `None` without an answer.
    pub(crate) status: Option<StatusCode>,
    /// The fault of the answer or of the connection.
    pub(crate) problem: Option<String>,
    pub(crate) has_retry_after: bool,
}

/// Sends a client's request; returns how the call ended.
pub(crate) async fn call(http: &Client, url: &str, input: &Input) -> Ended {
    let request = Request::try_from(rest::request(url, input)).expect("a request");
    match http.execute(request).await {
        Ok(response) => answered(input, response).await,
        Err(error) => lost(input, &error),
    }
}

/// The outcome of a call whose connection broke. A request that was never sent was not done.
fn lost(input: &Input, error: &reqwest::Error) -> Ended {
    let sent = if error.is_connect() { Sent::Nothing } else { Sent::Something };
    let outcome = rest::without_answer(input, sent);
    Ended { outcome, status: None, problem: Some(error.to_string()), has_retry_after: false }
}

async fn answered(input: &Input, response: Response) -> Ended {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return lost(input, &error),
    };
    let mut answer = http::Response::new(&body);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    let outcome = rest::outcome(input, &answer);
    let is_done = matches!(outcome, Outcome::Done(_));
    let problem = (!is_done).then(|| format!("{status}: {}", String::from_utf8_lossy(&body)));
    let has_retry_after = answer.headers().contains_key(RETRY_AFTER);
    Ended { outcome, status: Some(status), problem, has_retry_after }
}
