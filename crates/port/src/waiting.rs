//! Waiting: how long a connection waits for the next request, and for the rest of its head.
//!
//! ```text
//!   ┌─────────────── answered ───────────────┐
//!   ▼                                        │
//!  idle ──first byte──► head ──complete──► the service's turn ──101──► upgraded
//!   │ idle deadline       │ receive deadline      (its own deadlines)    (its own deadlines)
//!   ▼                     ▼
//!  closed: `idle`        closed: `head-late`
//! ```
//!
//! A new connection has the receive deadline until its first byte, because a client opens a
//! connection to send something.
//!
//! hyper's own `header_read_timeout` counts idle time as part of the head, so the port does not
//! use it. The port allows half-closed connections; hyper then reads from the stream for a head
//! or a body only. So a read in the peer's turn waits for a head, and [`TimedStream`] limits
//! that wait. The [`Turns`] are counted around the service.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::connections::Connections;
use crate::cuts::Cut;
use crate::port::Port;
use crate::time::due_after;

/// Whose turn it is on a connection: the peer's, to send a request, or the service's, to answer it.
///
/// Counts the turns. Even ones are the peer's.
#[derive(Debug, Default)]
pub(super) struct Turns(AtomicU64);

impl Turns {
    /// The turn of an upgraded connection, for ever. It is odd.
    const UPGRADED: u64 = u64::MAX;

    /// Counts the arrival of a request.
    pub(super) fn requested(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the answer of the service.
    pub(super) fn answered(&self, status: StatusCode) {
        if status == StatusCode::SWITCHING_PROTOCOLS {
            self.0.store(Self::UPGRADED, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The stream of a connection. Its reads fail when the peer sends no request in time.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    stream: S,
    turns: Arc<Turns>,
    /// The turn of the last read.
    turn: u64,
    wait: Wait,
    timer: Option<Pin<Box<Sleep>>>,
    idle_deadline: Duration,
    receive_deadline: Duration,
    /// The connections of the port; they count the causes of closing.
    connections: Arc<Connections>,
}

/// The expected bytes in the peer's turn, and the start of the wait.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// The first byte of the first request.
    First(Instant),
    /// Nothing: it is the service's turn, or the peer's turn has just begun. Bytes read before
    /// the first wait may be the rest of an unread body.
    Not,
    /// The first byte of a further request.
    Idle(Instant),
    /// The rest of a head.
    Head(Instant),
}

impl<S> TimedStream<S> {
    pub(super) fn new(stream: S, turns: Arc<Turns>, port: &Port) -> Self {
        Self {
            stream,
            turn: turns.now(),
            turns,
            wait: Wait::First(Instant::now()),
            timer: None,
            idle_deadline: port.limits.idle_deadline,
            receive_deadline: port.limits.receive_deadline,
            connections: Arc::clone(&port.connections),
        }
    }

    /// Whether the peer is to send a request.
    fn is_peers_turn(&mut self) -> bool {
        let turn = self.turns.now();
        if turn != self.turn {
            (self.turn, self.wait) = (turn, Wait::Not);
        }
        turn.is_multiple_of(2)
    }

    /// Notes the bytes of a read in the peer's turn.
    fn note(&mut self, read: &[u8]) {
        // Servers ignore empty lines before a request (RFC 9112, section 2.2).
        let begins = read.iter().any(|byte| !b"\r\n".contains(byte));
        if begins && matches!(self.wait, Wait::First(_) | Wait::Idle(_)) {
            self.wait = Wait::Head(Instant::now());
        }
    }

    /// Ready once the peer has taken too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        if let Wait::Not = self.wait {
            self.wait = Wait::Idle(Instant::now());
        }
        let (due, cut) = match self.wait {
            Wait::First(since) | Wait::Head(since) => {
                (due_after(since, self.receive_deadline), Cut::HeadLate)
            }
            Wait::Idle(since) => (due_after(since, self.idle_deadline), Cut::Idle),
            Wait::Not => return Poll::Pending,
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(cut)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if !this.is_peers_turn() {
            return read;
        }
        if read.is_ready() {
            this.note(buffer.filled().get(before..).unwrap_or_default());
            return read;
        }
        let cut = ready!(this.poll_overdue(cx));
        this.connections.cut_off(cut);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, cut.name())))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
