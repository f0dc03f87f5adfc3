//! Control: the handle of a stream. Others use it to end the stream, and to learn of its end
//! and the reason.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::time::Duration;
use std::{fmt, io};

use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

use crate::connections::{Connections, Slot};
use crate::cuts::Cut;
use crate::lock::lock;

/// Why a [`DeadlineStream`](super::DeadlineStream) failed by itself, or by its control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamFailure {
    /// A write, flush or shutdown made no progress for this time.
    #[error("a write made no progress for {0:?}")]
    WriteStalled(Duration),
    /// Nothing was read for this time.
    #[error("nothing arrived for {0:?}")]
    Silent(Duration),
    /// The peer was not admitted within its time.
    #[error("the peer did not authenticate in time")]
    NotAuthenticated,
    /// [`Control::kill`] was called.
    #[error("the connection was ended by this side")]
    Killed,
}

impl From<StreamFailure> for io::Error {
    fn from(failure: StreamFailure) -> Self {
        let kind = match failure {
            StreamFailure::Killed => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::TimedOut,
        };
        Self::new(kind, failure)
    }
}

/// Ends a stream from outside.
///
/// A failed stream fails every later read and write, and the waiting ones too. So its owner, in
/// this crate or deep inside a library, has to drop it.
#[derive(Default)]
pub struct Control {
    failure: OnceLock<StreamFailure>,
    silence_max: OnceLock<Duration>,
    /// Counts the connection at its port until it is given back, or the stream is gone.
    place: Mutex<Option<Slot>>,
    /// The counter of the port; it counts the reason of the end.
    connections: OnceLock<Arc<Connections>>,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Whether the last write is waiting for the peer.
    is_stalled: AtomicBool,
    /// The task waiting for the end of the stall.
    answerer: AtomicWaker,
    gone: CancellationToken,
}

impl Control {
    /// Fails the stream now.
    pub fn kill(&self) {
        self.fail(StreamFailure::Killed);
    }

    /// Fails the stream; the first failure counts.
    pub fn fail(&self, failure: StreamFailure) {
        // A second failure changes nothing.
        let _ = self.failure.set(failure);
        self.wake();
    }

    /// Why the stream failed, if it did.
    pub fn failure(&self) -> Option<StreamFailure> {
        self.failure.get().copied()
    }

    /// Holds a place of the stream's port.
    pub(crate) fn take(&self, place: Slot) {
        // A stream has one port.
        let _ = self.connections.set(Arc::clone(place.connections()));
        *lock(&self.place) = Some(place);
    }

    /// The peer was admitted: from now on the stream fails when nothing was read for
    /// `silence_max`.
    pub fn authenticated(&self, silence_max: Duration) {
        // A second admission on the same connection does not change the limit.
        let _ = self.silence_max.set(silence_max);
        self.wake();
    }

    /// Whether written bytes wait for the peer to read.
    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Acquire)
    }

    /// Returns when no bytes wait for the peer to read, or the stream has failed. Only one task
    /// at a time may wait.
    pub(crate) async fn unstalled(&self) {
        poll_fn(|cx| {
            self.answerer.register(cx.waker());
            let is_over = !self.is_stalled() || self.failure().is_some();
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Written bytes wait for the peer to read.
    pub(super) fn set_stalled(&self) {
        self.is_stalled.store(true, Ordering::Release);
    }

    /// No bytes wait any more.
    pub(super) fn clear_stalled(&self) {
        self.is_stalled.store(false, Ordering::Release);
        self.answerer.wake();
    }

    pub(super) fn silence_max(&self) -> Option<Duration> {
        self.silence_max.get().copied()
    }

    /// Returns when the stream was dropped, and the connection with it.
    pub async fn gone(&self) {
        self.gone.cancelled().await;
    }

    pub(super) fn set_gone(&self) {
        self.give_back();
        if let (Some(connections), Some(cut)) =
            (self.connections.get(), self.failure().and_then(Cut::by_stream))
        {
            connections.cut_off(cut);
        }
        self.gone.cancel();
    }

    /// Fails if the stream has failed; otherwise wakes `reader` when it does.
    pub(super) fn check_reader(&self, reader: &Waker) -> Result<(), StreamFailure> {
        // Registers before the check, so that no failure falls in between.
        self.reader.register(reader);
        self.failure().map_or(Ok(()), Err)
    }

    /// Fails if the stream has failed; otherwise wakes `writer` when it does.
    pub(super) fn check_writer(&self, writer: &Waker) -> Result<(), StreamFailure> {
        self.writer.register(writer);
        self.failure().map_or(Ok(()), Err)
    }

    /// Gives the place of the port back.
    pub fn give_back(&self) {
        drop(lock(&self.place).take());
    }

    fn wake(&self) {
        self.reader.wake();
        self.writer.wake();
        self.answerer.wake();
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("failure", &self.failure).finish_non_exhaustive()
    }
}
