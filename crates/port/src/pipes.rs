//! A network of in-memory pipes, for tests.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::Listener;

/// The source address of every pipe.
const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));

/// The dialling end of the network.
#[derive(Debug)]
pub struct Network {
    accepted: mpsc::UnboundedSender<DuplexStream>,
    pipe_bytes: usize,
}

/// The accepting end of the network.
#[derive(Debug)]
pub struct PipeListener {
    dialled: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Network {
    /// A network whose pipes hold `pipe_bytes` bytes each.
    pub fn new(pipe_bytes: usize) -> (Self, PipeListener) {
        let (accepted, dialled) = mpsc::unbounded_channel();
        (Self { accepted, pipe_bytes }, PipeListener { dialled })
    }

    /// A pipe to the listener.
    ///
    /// # Panics
    ///
    /// When the listener is gone.
    pub fn dial(&self) -> DuplexStream {
        let (near, far) = duplex(self.pipe_bytes);
        self.accepted.send(far).expect("someone listens");
        near
    }

    /// A pipe to the listener, with this text already sent.
    ///
    /// # Panics
    ///
    /// When the listener is gone.
    pub async fn sending(&self, text: &str) -> DuplexStream {
        let mut stream = self.dial();
        stream.write_all(text.as_bytes()).await.expect("open");
        stream
    }
}

/// The next bytes from a peer, 1 KiB at most, as text. Empty once the peer has ended its half.
///
/// # Panics
///
/// When the stream has failed.
pub async fn some_of(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = vec![0; 1 << 10];
    let count = stream.read(&mut bytes).await.expect("open");
    String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned()
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
