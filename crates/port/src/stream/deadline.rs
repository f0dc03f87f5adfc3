//! Deadline streams: byte streams that fail when nothing moves, instead of waiting for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::control::{Control, StreamFailure};
use crate::time::due_after;

/// A byte stream that fails a write, flush or shutdown without progress for the write deadline.
///
/// socketioxide's writer, and tungstenite under it, await the peer without a deadline; this
/// stream adds one. A failed stream fails every later read and write too, so the task on the
/// other half learns of the failure.
///
/// The streams of a [`DeadlineListener`](super::DeadlineListener) can have more deadlines: the
/// peer has to authenticate in time, and then to give signs of life.
#[derive(Debug)]
pub struct DeadlineStream<S> {
    inner: S,
    control: Arc<Control>,
    write_deadline: Duration,
    authenticate_by: Option<Instant>,
    last_read: Instant,
    /// The start of the wait of a blocked write.
    stalled_since: Option<Instant>,
    read_timer: Timer,
    write_timer: Timer,
}

impl<S> DeadlineStream<S> {
    /// Wraps a stream. `write_deadline` is the longest time of a write without progress.
    pub fn new(inner: S, write_deadline: Duration) -> Self {
        Self {
            inner,
            control: Arc::default(),
            write_deadline,
            authenticate_by: None,
            last_read: Instant::now(),
            stalled_since: None,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
        }
    }

    /// Fails the stream if the peer has not been admitted within this time from now.
    pub(super) fn authenticate_within(mut self, deadline: Duration) -> Self {
        self.authenticate_by = Some(due_after(Instant::now(), deadline));
        self
    }

    /// The handle that ends this stream.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// When the stream fails unless something is read before, and how.
    fn read_due(&self) -> Option<(Instant, StreamFailure)> {
        match self.control.silence_max() {
            Some(silence) => {
                Some((due_after(self.last_read, silence), StreamFailure::Silent(silence)))
            }
            None => self.authenticate_by.map(|by| (by, StreamFailure::NotAuthenticated)),
        }
    }

    /// When the stream fails unless something is written before, and how.
    ///
    /// A blocked writer watches the reader's deadline too. The reason: engineioxide stops
    /// reading before it stops writing, and reports the end of a link only after the writer has
    /// let go.
    fn write_due(&self, stalled_since: Instant) -> (Instant, StreamFailure) {
        let due = due_after(stalled_since, self.write_deadline);
        let write = (due, StreamFailure::WriteStalled(self.write_deadline));
        match self.read_due() {
            Some(read) if read.0 < write.0 => read,
            _ => write,
        }
    }

    /// The result of a read without available bytes.
    fn poll_read_due(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((due, failure)) = self.read_due() else {
            return Poll::Pending;
        };
        ready!(self.read_timer.poll(due, cx));
        self.control.fail(failure);
        Poll::Ready(Err(failure.into()))
    }

    fn poll_guarded<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        self.control.check_writer(cx.waker())?;
        if let Poll::Ready(result) = write(Pin::new(&mut self.inner), cx) {
            if self.stalled_since.take().is_some() {
                self.control.clear_stalled();
            }
            return Poll::Ready(result);
        }
        let stalled_since = match self.stalled_since {
            Some(since) => since,
            None => {
                self.control.set_stalled();
                *self.stalled_since.insert(Instant::now())
            }
        };
        let (due, failure) = self.write_due(stalled_since);
        ready!(self.write_timer.poll(due, cx));
        self.control.fail(failure);
        Poll::Ready(Err(failure.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeadlineStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.control.check_reader(cx.waker())?;
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    this.last_read = Instant::now();
                }
                Poll::Ready(result)
            }
            Poll::Pending => this.poll_read_due(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeadlineStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_guarded(cx, |inner, cx| inner.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_guarded(cx, |inner, cx| inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_guarded(cx, |inner, cx| inner.poll_shutdown(cx))
    }
}

impl<S> Drop for DeadlineStream<S> {
    fn drop(&mut self) {
        self.control.set_gone();
    }
}

/// A timer without cost before its first use.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready at `due` or after. The `due` of an earlier call is forgotten.
    fn poll(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const DEADLINE: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn a_write_that_makes_no_progress_fails_at_the_deadline() {
        let (near, _far) = duplex(8);
        let mut stream = DeadlineStream::new(near, DEADLINE);
        let start = Instant::now();
        let error = stream.write_all(&[0; 64]).await.expect_err("nobody reads");
        assert_eq!((error.kind(), start.elapsed()), (io::ErrorKind::TimedOut, DEADLINE));
        assert_eq!(stream.control().failure(), Some(StreamFailure::WriteStalled(DEADLINE)));
        assert!(stream.read_u8().await.is_err(), "a failed stream fails its reads too");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_progresses_slowly_goes_on() {
        let (near, mut far) = duplex(8);
        let mut stream = DeadlineStream::new(near, DEADLINE);
        let reader = tokio::spawn(async move {
            for _ in 0..64 {
                tokio::time::sleep(DEADLINE * 3 / 4).await;
                far.read_u8().await.expect("open");
            }
        });
        stream.write_all(&[0; 64]).await.expect("someone reads, if slowly");
        reader.await.expect("read all");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_a_reading_deadline_waits_as_long_as_it_must() {
        let (near, mut far) = duplex(8);
        let mut stream = DeadlineStream::new(near, DEADLINE);
        tokio::spawn(async move {
            tokio::time::sleep(DEADLINE * 100).await;
            far.write_u8(7).await
        });
        assert_eq!(stream.read_u8().await.expect("a byte"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_byte_once_the_peer_is_let_in() {
        let (near, mut far) = duplex(8);
        let mut stream = DeadlineStream::new(near, DEADLINE).authenticate_within(DEADLINE);
        let silence = Duration::from_secs(5);
        let start = Instant::now();
        let control = stream.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            control.authenticated(silence);
            tokio::time::sleep(Duration::from_secs(3)).await;
            far.write_u8(7).await.expect("open");
            std::future::pending::<()>().await;
        });
        assert_eq!(stream.read_u8().await.expect("a byte"), 7);
        let error = stream.read_u8().await.expect_err("silent");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_stream_wakes_whoever_waits_and_says_when_it_is_gone() {
        let (near, _far) = duplex(8);
        let mut stream = DeadlineStream::new(near, DEADLINE);
        let control = stream.control();
        let reader =
            tokio::spawn(async move { stream.read_u8().await.expect_err("killed").kind() });
        tokio::task::yield_now().await;
        control.kill();
        control.gone().await;
        assert_eq!(reader.await.expect("no panic"), io::ErrorKind::ConnectionAborted);
    }
}
