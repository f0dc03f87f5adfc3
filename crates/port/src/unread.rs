//! Unread bodies: a connection is closed if the service answers before it has read the body.
//!
//! hyper closes such a connection, unless the rest of the body is already there. The answer has
//! to announce the close (RFC 9112, section 9.6), or the client may send its next request into
//! the closing connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::response::Response;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

/// The largest body expected together with its head, so that the connection can be kept.
const WITH_HEAD_BYTES_MAX: u64 = 4 << 10;

/// Whether a part of the present request's body is unread.
#[derive(Debug, Default)]
pub(super) struct Unread(AtomicBool);

/// A body that notes its end.
#[derive(Debug)]
pub(super) struct WatchedBody {
    body: Incoming,
    unread: Arc<Unread>,
}

impl Unread {
    /// Watches the body of a new request.
    pub(super) fn watch(self: &Arc<Self>, body: Incoming) -> WatchedBody {
        let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= WITH_HEAD_BYTES_MAX);
        self.0.store(!is_small, Ordering::Relaxed);
        WatchedBody { body, unread: Arc::clone(self) }
    }

    /// Announces in an answer the close of the connection after it, if the body is unread.
    pub(super) fn announce(&self, answer: &mut Response) {
        if self.0.load(Ordering::Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.unread.0.store(false, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
