//! The tests' shared parts: a network of pipes, a server with an acceptor, recording handlers
//! and raw peers.

mod acceptor;
mod fake_server;
mod raw_peer;
mod recorder;

pub(crate) use acceptor::{TestAcceptor, hello};
pub(crate) use fake_server::FakeServer;
pub(crate) use raw_peer::RawPeer;
pub(crate) use recorder::{Arrivals, Recorder};

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use link::{Opening, Sender, Settings};
use port::{DeadlineListener, Listener, Network, Port};
use protocol::frame;
use protocol::version::{Version, Versions};
use serde::{Deserialize, Serialize};
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

/// For tests in real time: on a busy machine, threads may be delayed for long.
pub(crate) fn patient() -> Settings {
    let long = Duration::from_secs(30);
    Settings {
        heartbeat_timeout: long,
        connect_deadline: long,
        write_deadline: long,
        ..Settings::default()
    }
}

/// The message on the links of the tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) sender: u32,
    pub(crate) number: u32,
    pub(crate) padding: Vec<u8>,
}

impl Message {
    pub(crate) fn new(sender: u32, number: u32) -> Self {
        Self { sender, number, padding: Vec::new() }
    }

    /// A message of about a MiB.
    pub(crate) fn bulk(number: u32) -> Self {
        Self { sender: 0, number, padding: vec![7; 1 << 20] }
    }
}

/// The version of the protocol on the links of the tests.
pub(crate) const USED: Version = Versions::SPOKEN.highest;

/// A frame with one message.
pub(crate) fn frame_of(message: &Message) -> Bytes {
    frame::encode(USED, std::slice::from_ref(message)).expect("a frame")
}

/// Serves links until the test ends.
pub(crate) fn serve<L: Listener<Addr = SocketAddr>>(
    listener: DeadlineListener<L>,
    acceptor: TestAcceptor,
    settings: &Settings,
    port: Port,
) {
    let server = link::server(acceptor, settings);
    let never = CancellationToken::new();
    tokio::spawn(async move {
        port::serve(listener, port, |connection| server.on(connection), never).await;
    });
}

/// One end of a link under test.
pub(crate) struct End {
    pub(crate) sender: Sender<Message>,
    pub(crate) arrivals: Arrivals,
}

/// A server on a network of pipes, with its acceptor.
pub(crate) struct LinkServer {
    pub(crate) network: Network,
    pub(crate) acceptor: TestAcceptor,
    pub(crate) settings: Settings,
}

impl LinkServer {
    /// A running server with these settings; each pipe holds `pipe_bytes`.
    pub(crate) fn with(settings: Settings, pipe_bytes: usize) -> Self {
        Self::on(Port::default(), settings, pipe_bytes)
    }

    /// The same, on this port.
    pub(crate) fn on(port: Port, settings: Settings, pipe_bytes: usize) -> Self {
        let (network, listener) = Network::new(pipe_bytes);
        let acceptor = TestAcceptor::default();
        let listener = link::listener(listener, &settings);
        serve(listener, acceptor.clone(), &settings, port);
        Self { network, acceptor, settings }
    }

    pub(crate) fn new() -> Self {
        Self::with(Settings::default(), 64 << 10)
    }

    /// A link: its client end, and its server end.
    pub(crate) async fn link(&self) -> (End, End) {
        let client = self.client(self.network.dial()).await;
        (client, self.acceptor.next_link().await)
    }

    pub(crate) async fn client(&self, stream: DuplexStream) -> End {
        let opening = link::connect(stream, &hello("right"), &self.settings).await.expect("let in");
        open(opening)
    }

    /// A raw peer admitted as a link, and the server end of the link.
    pub(crate) async fn raw_link(&self) -> (RawPeer, End) {
        let mut peer = RawPeer::over(self.network.dial()).await;
        peer.authenticate("link").await;
        (peer, self.acceptor.next_link().await)
    }
}

pub(crate) fn open(opening: Opening<Message, Message>) -> End {
    let (recorder, arrivals) = Recorder::new();
    End { sender: opening.open("the server", recorder), arrivals }
}

/// Asserts that messages still pass in both directions.
pub(crate) async fn assert_alive(one: &mut End, other: &mut End) {
    let message = Message::new(99, 99);
    one.sender.send(&message).expect("open");
    assert_eq!(other.arrivals.next_message().await, message);
    other.sender.send(&message).expect("open");
    assert_eq!(one.arrivals.next_message().await, message);
}
