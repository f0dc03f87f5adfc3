//! A port that serves HTTP, over pipes or over real sockets, and handwritten HTTP peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use port::{DeadlineListener, Listener, Network, Port, PortLimits};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The longest time of a write without progress.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(2);

/// The time of an answer on the slow path.
pub(crate) const SLOW: Duration = Duration::from_secs(3);

/// A port with `/`, `/slow`, and `/body`; `/body` takes a body. Any other path answers 404,
/// with any body.
pub(crate) struct HttpPort {
    pub(crate) port: Port,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<()>,
    /// How many bodies were received whole.
    pub(crate) bodies: Arc<AtomicUsize>,
}

impl HttpPort {
    /// On a network of pipes.
    pub(crate) fn on_pipes(limits: PortLimits) -> (Self, Network) {
        let (network, listener) = Network::new(64 << 10);
        (Self::on(listener, limits), network)
    }

    /// On a port of TCP.
    pub(crate) async fn on_tcp(limits: PortLimits) -> (Self, SocketAddr) {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = tcp.local_addr().expect("an address");
        (Self::on(tcp, limits), address)
    }

    fn on<L: Listener<Addr = SocketAddr>>(listener: L, limits: PortLimits) -> Self {
        let listener = DeadlineListener::new(listener, WRITE_DEADLINE);
        let (port, shutdown) = (Port { limits, ..Port::default() }, CancellationToken::new());
        let slow = || async {
            sleep(SLOW).await;
            "late"
        };
        let bodies = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&bodies);
        let body = |body: Result<String, _>| async move {
            if body.is_err() {
                return StatusCode::BAD_REQUEST;
            }
            counted.fetch_add(1, Ordering::Relaxed);
            StatusCode::CREATED
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/slow", get(slow))
            .route("/body", post(body));
        let serving =
            port::serve(listener, port.clone(), move |_| router.clone(), shutdown.clone());
        Self { port, shutdown, served: tokio::spawn(serving), bodies }
    }

    /// How many connections were cut off, for each reason with a count above zero.
    pub(crate) fn cuts(&self) -> Vec<(&'static str, u64)> {
        let cuts = self.port.connections.cuts().filter(|(_, count)| *count > 0);
        cuts.map(|(cut, count)| (cut.name(), count)).collect()
    }
}

/// All text from a peer, until it ends its half.
pub(crate) async fn all_of(mut stream: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("text, and then the end");
    text
}

/// A request for a path.
pub(crate) fn ask(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}
