//! One attempt, and what came of it.

use std::time::Duration;

use api::Problem;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response, StatusCode};

use crate::error::with_causes;
use crate::{Client, Error};

/// The pause before another attempt if the gateway names none.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<serde_json::Value>,
    /// The tag that the record must have, for `If-Match`.
    pub(crate) if_match: Option<String>,
}

/// A success: its tag, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) etag: Option<String>,
    pub(crate) body: String,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    Done(Answer),
    /// Another attempt would end the same way.
    Failed(Error),
    /// Certainly not done. Another attempt after this pause may end better.
    NotDone {
        error: Error,
        pause: Duration,
    },
    /// Perhaps done.
    Unknown {
        why: String,
    },
}

impl Call {
    /// A request without a body.
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: None, if_match: None }
    }
}

impl Client {
    /// Sends a request once.
    pub(crate) async fn attempt(&self, call: &Call) -> Attempt {
        let mut request =
            self.http.request(call.method.clone(), format!("{}{}", self.url, call.path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(tag) = &call.if_match {
            request = request.header(reqwest::header::IF_MATCH, tag);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        match request.send().await {
            Ok(response) => judged(response).await,
            Err(error) if error.is_builder() => Attempt::Failed(Error::setup(error)),
            Err(error) if error.is_connect() => {
                let error = Error::Unreachable(with_causes(&error));
                Attempt::NotDone { error, pause: PAUSE }
            }
            Err(error) => Attempt::Unknown { why: with_causes(&error) },
        }
    }
}

async fn judged(response: Response) -> Attempt {
    let status = response.status();
    let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let etag = header(reqwest::header::ETAG);
    let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let body = match response.text().await {
        Ok(body) => body,
        Err(error) => return Attempt::Unknown { why: with_causes(&error) },
    };
    if status.is_success() {
        return Attempt::Done(Answer { etag, body });
    }
    let Ok(problem) = serde_json::from_str::<Problem>(&body) else {
        return match status {
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Attempt::Unknown { why: format!("a proxy answers {status}") }
            }
            _ => Attempt::Failed(Error::Answer(format!("{status} without a problem"))),
        };
    };
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            let pause = retry_after.map_or(PAUSE, Duration::from_secs);
            Attempt::NotDone { error: Error::NotDone(problem.detail), pause }
        }
        StatusCode::GATEWAY_TIMEOUT => Attempt::Unknown { why: problem.detail },
        _ => Attempt::Failed(Error::Refused(problem)),
    }
}
