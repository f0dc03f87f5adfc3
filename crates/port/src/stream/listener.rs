//! Listeners whose streams have deadlines.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::{Listener, ListenerExt, TapIo};
use tokio::net::{TcpListener, TcpStream};

use super::{Control, DeadlineStream};

/// A TCP listener that sets `TCP_NODELAY` on each accepted stream.
pub type NodelayTcpListener = TapIo<TcpListener, fn(&mut TcpStream)>;

/// A listener whose streams are [`DeadlineStream`]s.
#[derive(Debug)]
pub struct DeadlineListener<L> {
    inner: L,
    write_deadline: Duration,
    authenticate_within: Option<Duration>,
}

impl<L: Listener> DeadlineListener<L> {
    /// Its streams fail when a write makes no progress for `write_deadline`.
    pub fn new(inner: L, write_deadline: Duration) -> Self {
        Self { inner, write_deadline, authenticate_within: None }
    }

    /// Each peer also has to authenticate within this time, or its stream fails.
    #[must_use]
    pub fn authenticate_within(self, deadline: Duration) -> Self {
        Self { authenticate_within: Some(deadline), ..self }
    }
}

/// Sets `TCP_NODELAY` on every stream of a TCP listener. The layers above make batches, so
/// waiting for more bytes would only delay them.
pub fn nodelay(listener: TcpListener) -> NodelayTcpListener {
    listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
    })
}

impl<L: Listener> Listener for DeadlineListener<L> {
    type Io = DeadlineStream<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = self.inner.accept().await;
        let mut stream = DeadlineStream::new(stream, self.write_deadline);
        if let Some(deadline) = self.authenticate_within {
            stream = stream.authenticate_within(deadline);
        }
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection of a port, as its service sees it.
#[derive(Debug, Clone)]
pub struct Connection {
    control: Arc<Control>,
    address: SocketAddr,
}

impl Connection {
    /// The control of its stream: ends it, and has the reason of its end.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The peer's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn of<S>(stream: &DeadlineStream<S>, address: SocketAddr) -> Self {
        Self { control: stream.control(), address }
    }
}
