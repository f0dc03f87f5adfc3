//! Peers that pipeline requests, and read the responses late or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use port::{DeadlineListener, Network, Port};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::support::WRITE_DEADLINE;

/// How many bytes may be under way in each direction.
const PIPE_BYTES: usize = 4 << 10;

/// How many requests are sent.
const REQUESTS: usize = 5_000;

/// No response has fewer bytes.
const RESPONSE_BYTES_MIN: usize = 64;

/// A peer that has begun to send its requests, and the count of requests reaching the service.
struct Peer {
    responses: ReadHalf<DuplexStream>,
    answered: Arc<AtomicUsize>,
}

impl Peer {
    fn with(method: &str) -> Self {
        let (network, listener) = Network::new(PIPE_BYTES);
        let listener = DeadlineListener::new(listener, WRITE_DEADLINE);
        let answered = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&answered);
        let router = Router::new().route(
            "/",
            get(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready("a body that only GET gets")
            }),
        );
        let never = CancellationToken::new();
        let (responses, mut requests) = tokio::io::split(network.dial());
        let request = format!("{method} / HTTP/1.1\r\nhost: x\r\n\r\n");
        tokio::spawn(async move {
            port::serve(listener, Port::default(), move |_| router.clone(), never).await;
        });
        tokio::spawn(async move {
            // A peer that does not read is cut off in the end, and cannot send any more.
            let _ = requests.write_all(request.repeat(REQUESTS).as_bytes()).await;
            drop(network);
        });
        Self { responses, answered }
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_answered_no_more_than_its_connection_holds() {
    for method in ["HEAD", "GET"] {
        let peer = Peer::with(method);
        sleep(WRITE_DEADLINE / 2).await;
        let answered = peer.answered.load(Ordering::Relaxed);
        assert!(answered > 0, "{method}");
        assert!(answered <= PIPE_BYTES / RESPONSE_BYTES_MIN + 2, "{method}: {answered} answered");
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_late_gets_every_response() {
    for method in ["HEAD", "GET"] {
        let peer = Peer::with(method);
        let (mut lines, mut read) = (BufReader::new(peer.responses).lines(), 0);
        while read < REQUESTS {
            let line = lines.next_line().await.expect("open");
            let line = line.unwrap_or_else(|| panic!("{method}: cut off after {read}"));
            // A body without an end of line comes before the next head.
            if line.ends_with("HTTP/1.1 200 OK") {
                read += 1;
                if read % 500 == 0 {
                    sleep(WRITE_DEADLINE / 2).await;
                }
            }
        }
        assert_eq!(peer.answered.load(Ordering::Relaxed), REQUESTS);
    }
}
