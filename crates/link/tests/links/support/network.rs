//! A network of in-memory pipes.

use std::io;

use axum::serve::Listener;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

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
    type Addr = &'static str;

    async fn accept(&mut self) -> (DuplexStream, &'static str) {
        match self.dialled.recv().await {
            Some(stream) => (stream, "pipe"),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<&'static str> {
        Ok("pipe")
    }
}
