//! Sliced responses: they grow with the ring, and are written slice by slice.
//!
//! hyper copies a whole body into the buffer of its connection. Thousands of connections may
//! have no reader. So hyper gets one slice at a time, and the rest of the body waits here. The
//! waiting bytes of all responses together have a bound.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use protocol::problem::ProblemType;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// The size of a slice, in bytes. A response up to this size is no larger than its connection's
/// buffer.
const SLICE_BYTES: usize = 16 << 10;

/// The maximum of bytes that may wait for the readers of larger responses, in total.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// The bytes waiting for the readers of larger responses.
pub(super) struct Waiting(Arc<Semaphore>);

impl Waiting {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(WAITING_BYTES_MAX)))
    }

    /// Reserves room for a response, until the response is written.
    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }

    /// Creates a response with this body. hyper gets one slice of the body at a time.
    ///
    /// # Errors
    ///
    /// [`ProblemType::Overloaded`] if too many bytes already wait for slow readers.
    pub(super) fn sliced(
        &self,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Result<Response, Problem> {
        let body = body.into();
        if body.len() <= SLICE_BYTES {
            return Ok(response(content_type, body.len(), body.into()));
        }
        let Some(permit) = self.take(body.len()) else {
            let detail = "too many large responses wait for their readers";
            return Err(Problem::new(ProblemType::Overloaded, detail));
        };
        Ok(response(content_type, body.len(), slices(body, permit)))
    }
}

/// A body in slices. `held` is dropped together with it.
fn slices(body: Bytes, held: impl Send + 'static) -> Body {
    Body::from_stream(stream::unfold((body, held), |(mut rest, held)| {
        let slice = rest.split_to(rest.len().min(SLICE_BYTES));
        ready((!slice.is_empty()).then(|| (Ok::<_, Infallible>(slice), (rest, held))))
    }))
}

fn response(content_type: &'static str, length: usize, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_large_body_is_handed_over_slice_by_slice_and_holds_its_room_until_then() {
        let waiting = Waiting::new();
        let body = Bytes::from_iter((0..100_000_u32).map(|number| number as u8));
        let permit = waiting.take(body.len()).unwrap();
        let mut slices = slices(body.clone(), permit).into_data_stream();
        let mut read = Vec::new();
        while read.len() < body.len() {
            let slice = slices.next().await.unwrap().unwrap();
            assert!(slice.len() <= SLICE_BYTES);
            assert_eq!(waiting.0.available_permits(), WAITING_BYTES_MAX - body.len());
            read.extend_from_slice(&slice);
        }
        assert_eq!(read, body);
        assert!(slices.next().await.is_none());
        drop(slices);
        assert_eq!(waiting.0.available_permits(), WAITING_BYTES_MAX);
    }

    #[test]
    fn what_waits_has_a_bound() {
        let waiting = Waiting::new();
        let first = waiting.take(WAITING_BYTES_MAX - 1).unwrap();
        assert!(waiting.take(2).is_none());
        assert!(waiting.take(1).is_some());
        drop(first);
        assert!(waiting.take(WAITING_BYTES_MAX).is_some());
        assert!(waiting.take(WAITING_BYTES_MAX + 1).is_none());
        assert!(waiting.take(usize::MAX).is_none());
    }
}
