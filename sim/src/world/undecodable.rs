//! Requests that a node cannot decode. On the way from the gateway, the ids of some users
//! become bytes that are not text.
//!
//! So each send of such a request breaks its frame, like a value that one end encodes and the
//! other end cannot decode.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte never found in text.
const NO_TEXT: u8 = 0xff;

/// The users with undecodable requests, shared with the world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Undecodable(Arc<Mutex<BTreeSet<String>>>);

impl Undecodable {
    /// The node cannot decode the requests of a user from now on.
    pub(crate) fn add(&self, user: &str) {
        self.lock().insert(user.to_owned());
    }

    /// The node can decode them again.
    pub(crate) fn remove(&self, user: &str) {
        self.lock().remove(user);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that turns the ids of some users into bytes that are not text.
pub(crate) struct Garbled<S> {
    inner: S,
    undecodable: Undecodable,
    /// The last bytes read: an id may come in two parts.
    before: Vec<u8>,
}

impl<S> Garbled<S> {
    pub(crate) fn new(inner: S, undecodable: Undecodable) -> Self {
        Self { inner, undecodable, before: Vec::new() }
    }

    /// Damages the last byte of each id.
    fn garble(&mut self, bytes: &mut [u8]) {
        let undecodable = self.undecodable.lock();
        let longest = undecodable.iter().map(String::len).max().unwrap_or(1);
        let known = self.before.len();
        self.before.extend_from_slice(bytes);
        for user in undecodable.iter().map(String::as_bytes) {
            let ends = self.before.windows(user.len()).enumerate();
            let ends = ends.filter(|(_, found)| *found == user);
            for end in ends.map(|(start, _)| start + user.len() - 1) {
                if let Some(byte) = end.checked_sub(known).and_then(|end| bytes.get_mut(end)) {
                    *byte = NO_TEXT;
                }
            }
        }
        self.before.drain(..self.before.len().saturating_sub(longest - 1));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Garbled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.garble(&mut buf.filled_mut()[filled..]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Garbled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_text_also_where_it_comes_in_parts() {
        let undecodable = Undecodable::default();
        undecodable.add("user-3");
        let mut stream = Garbled::new((), undecodable.clone());
        let read = |stream: &mut Garbled<()>, text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            stream.garble(&mut bytes);
            bytes
        };
        assert_eq!(read(&mut stream, "a user-3 b user-4 us"), b"a user-\xff b user-4 us");
        assert_eq!(read(&mut stream, "er-"), b"er-");
        assert_eq!(read(&mut stream, "3"), b"\xff");
        assert_eq!(read(&mut stream, "3"), b"3", "the id has ended");
        undecodable.remove("user-3");
        assert_eq!(read(&mut stream, "user-3"), b"user-3");
    }
}
