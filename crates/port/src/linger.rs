//! Linger: closes a connection so that its peer can read the last answer.
//!
//! ```text
//!  answer ─► shut down writing ─► read and discard ─► close, at the first of:
//!                                                     end of the peer, silence, total time, bytes
//! ```
//!
//! Closing a TCP connection with unread bytes resets it. A reset destroys the answer before the
//! peer has read it. So a client that writes its whole request before it reads would lose an
//! early answer (RFC 9112, section 9.6).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::time::due_after;

/// How long the peer may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// How long lingering may take in total.
const LINGER_MAX: Duration = Duration::from_secs(5);

/// How many bytes are discarded: many times the largest body sent by mistake.
const BYTES_MAX: usize = 64 << 20;

/// How many bytes one read takes.
const CHUNK_BYTES: usize = 16 << 10;

/// A byte stream that lingers in its [`shutdown`](tokio::io::AsyncWriteExt::shutdown). A stream
/// without a written byte does not: there is no answer to read.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was written.
    Silent,
    /// Something was written.
    Answered,
    /// Writing is shut down.
    Reading(Reading),
    /// The connection can be closed.
    Done,
}

#[derive(Debug)]
struct Reading {
    /// The end of the total time.
    due: Instant,
    /// Fires at the end of the silence, or of the total time.
    timer: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, phase: Phase::Silent }
    }

    /// The stream, to write to it.
    fn writing(&mut self) -> Pin<&mut S>
    where
        S: Unpin,
    {
        if let Phase::Silent = self.phase {
            self.phase = Phase::Answered;
        }
        Pin::new(&mut self.stream)
    }
}

impl Reading {
    fn begun(now: Instant) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(due_after(now, SILENCE_MAX)));
        Self { due: due_after(now, LINGER_MAX), timer, bytes: 0 }
    }

    /// Reads and discards; ready when the connection can be closed.
    fn poll(&mut self, stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        let mut chunk = [0; CHUNK_BYTES];
        while self.bytes < BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut chunk);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.bytes = self.bytes.saturating_add(buffer.filled().len());
                    let silence_due = due_after(Instant::now(), SILENCE_MAX);
                    self.timer.as_mut().reset(silence_due.min(self.due));
                }
                // The peer has shut down its writing, or reset the connection.
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.timer.as_mut().poll(cx),
            }
            // The timer is not polled while the peer sends without a pause.
            if Instant::now() >= self.due {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.phase {
                Phase::Silent => return Pin::new(&mut this.stream).poll_shutdown(cx),
                Phase::Answered => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.phase = Phase::Reading(Reading::begun(Instant::now()));
                }
                Phase::Reading(reading) => {
                    ready!(reading.poll(&mut this.stream, cx));
                    this.phase = Phase::Done;
                }
                Phase::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}
