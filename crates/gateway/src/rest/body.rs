//! Reading a JSON body within its limits.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use protocol::problem::ProblemType;
use ring_core::gateway::Unavailable;
use tokio::time::{sleep, timeout};

use super::app::App;
use super::problem::Problem;
use crate::config::REFUSED_BODY_BYTES_MAX;

/// The maximum time to read the body of a request to be refused anyway.
const DISCARD_MAX: Duration = Duration::from_secs(1);

impl App {
    /// Reads a body. The headers must declare it as JSON.
    pub(super) async fn json(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
        if !says_json(headers) {
            discard(headers, body).await;
            let detail = "send the header Content-Type: application/json";
            return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
        }
        // A client with `Expect` asks before it sends. It must not be told to send a body that
        // is then refused.
        let worth_reading =
            if headers.contains_key(EXPECT) { self.body_bytes_max } else { REFUSED_BODY_BYTES_MAX };
        if announced(headers) > worth_reading {
            return Err(too_large(self.body_bytes_max));
        }
        self.receive(body).await
    }

    async fn receive(&self, body: Body) -> Result<Bytes, Problem> {
        let mut read = pin!(read(body, self.body_bytes_max));
        // Most bodies arrive together with their heads, and need no timer.
        if let Some(read) = read.as_mut().now_or_never() {
            return read;
        }
        let deadline = self.body_deadline;
        tokio::select! {
            biased;
            read = read => read,
            () = sleep(deadline) => Err(Problem::too_slow(deadline)),
            () = self.driver.ended() => Err(Unavailable::Ending.into()),
        }
    }
}

/// Reads and drops the body of a request to be refused anyway, within the limits for refused
/// bodies.
pub(super) async fn discard(headers: &HeaderMap, body: Body) {
    if !headers.contains_key(EXPECT) && announced(headers) <= REFUSED_BODY_BYTES_MAX {
        // Does not wait for a slow body: the request is refused all the same.
        let _ = timeout(DISCARD_MAX, read(body, 0)).await;
    }
}

/// Reads a body. Keeps its bytes only while they are at most `bytes_max`.
async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (BytesMut::new(), 0_usize);
    while let Some(chunk) = chunks.next().await {
        // The sender is gone, or sends invalid HTTP. It does not hear of this problem any more.
        let chunk = chunk.map_err(|_| Problem::malformed("the body is incomplete"))?;
        length = length.saturating_add(chunk.len());
        if length > REFUSED_BODY_BYTES_MAX {
            break;
        }
        if length <= bytes_max {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes.freeze()) }
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(ProblemType::TooLarge, format!("the limit is {bytes_max} bytes"))
}

/// The length of the body in its headers, in bytes; 0 if they give none.
fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// Whether the body is `application/json`, with parameters or without.
fn says_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}
