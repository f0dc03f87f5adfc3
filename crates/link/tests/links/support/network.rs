//! A network of in-memory pipes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use axum::serve::Listener;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

/// Where every pipe comes from.
const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));

/// Where pipes are dialled.
pub(crate) struct Network {
    accepted: mpsc::UnboundedSender<DuplexStream>,
    pipe_bytes: usize,
}

/// Where they are accepted.
pub(crate) struct PipeListener {
    dialled: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Network {
    pub(crate) fn new(pipe_bytes: usize) -> (Self, PipeListener) {
        let (accepted, dialled) = mpsc::unbounded_channel();
        (Self { accepted, pipe_bytes }, PipeListener { dialled })
    }

    /// A pipe to the listener.
    pub(crate) fn dial(&self) -> DuplexStream {
        let (near, far) = duplex(self.pipe_bytes);
        self.accepted.send(far).expect("someone listens");
        near
    }
}

impl Listener for PipeListener {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.dialled.recv().await {
            Some(stream) => (stream, ADDRESS),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(ADDRESS)
    }
}
