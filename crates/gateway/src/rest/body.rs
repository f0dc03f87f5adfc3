//! Reading a JSON body within its limits.

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use protocol::problem::ProblemType;

use super::problem::Problem;

/// The largest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The bytes of a body that says it is JSON.
pub(super) async fn json(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if !says_json(headers) {
        let detail = "send the header Content-Type: application/json";
        return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    }
    let too_large =
        || Problem::new(ProblemType::TooLarge, format!("the limit is {BODY_BYTES_MAX} bytes"));
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    // Whatever else goes wrong while a body is read, its sender does not hear of it any more.
    to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())
}

/// `application/json`, with parameters or without.
fn says_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}
