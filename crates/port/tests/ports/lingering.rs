//! Answers sent before the whole request was read: the client gets them, and cannot use them to
//! keep its connection.

use std::time::Duration;

use port::{PortLimits, some_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::support::{HttpPort, all_of, ask};

/// A body larger than any socket buffer.
const BODY_BYTES: usize = 900_000;

/// Sends the whole request before it reads anything.
async fn answer_to(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request).await.expect("all of it is read");
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("it closes in time").expect("the connection ends in order");
    String::from_utf8(answer).expect("text")
}

fn with_body(head: &str, bytes: usize) -> Vec<u8> {
    let head = format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; bytes]].concat()
}

fn in_chunks(head: &str, bytes: usize) -> Vec<u8> {
    let head = format!("{head} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    [head, format!("{bytes:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(bytes))].concat().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_all_of_a_body_that_nobody_reads_hears_the_answer() {
    let (_world, address) = HttpPort::on_tcp(PortLimits::default()).await;
    for (request, status) in [
        (with_body("POST /nowhere", BODY_BYTES), "404"),
        (in_chunks("POST /nowhere", BODY_BYTES), "404"),
        (with_body("DELETE /", BODY_BYTES), "405"),
        (with_body("POST /body", 3 << 20), "400"),
        (with_body("GET /", 10 << 20), "200"),
    ] {
        for _ in 0..60 {
            let answer = answer_to(address, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_that_the_connection_is_closed_where_a_body_is_left() {
    let (_world, address) = HttpPort::on_tcp(PortLimits::default()).await;
    for (request, closes) in [
        (with_body("POST /nowhere", BODY_BYTES), true),
        (in_chunks("POST /nowhere", BODY_BYTES), true),
        (with_body("POST /body", 3 << 20), true),
        (with_body("POST /body", BODY_BYTES), false),
        (in_chunks("POST /body", BODY_BYTES), false),
        (with_body("POST /nowhere", 100), false),
        (with_body("GET /", 0), false),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(&request).await.expect("all of it is read");
        let answer = some_of(&mut stream).await;
        assert_eq!(answer.contains("\r\nconnection: close\r\n"), closes, "{answer}");
        if !closes {
            stream.write_all(ask("/").as_bytes()).await.expect("it is kept");
            assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 200 "));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_all_of_what_is_no_request_hears_the_answer() {
    let (_world, address) = HttpPort::on_tcp(PortLimits::default()).await;
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\npadding: {}\r\n\r\n", "x".repeat(BODY_BYTES));
    let garbage = vec![0; BODY_BYTES];
    for (request, status) in [(head.as_bytes(), "431"), (&garbage, "400")] {
        for _ in 0..60 {
            let answer = answer_to(address, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_sends_all_of_its_request_and_hears_that_it_is() {
    let limits = PortLimits { connections_max: 1, ..PortLimits::default() };
    let (_world, address) = HttpPort::on_tcp(limits).await;
    let mut first = TcpStream::connect(address).await.expect("it listens");
    first.write_all(ask("/").as_bytes()).await.expect("it reads");
    assert!(some_of(&mut first).await.starts_with("HTTP/1.1 200 "));
    let request = with_body("POST /body", BODY_BYTES);
    for _ in 0..60 {
        let answer = answer_to(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}

/// The behaviour of a peer after the announcement of the close.
enum Peer {
    Nothing,
    SendsNowAndThen,
    SendsWithoutAPause,
    Closes,
}

#[tokio::test(start_paused = true)]
async fn who_is_told_of_the_end_and_does_not_go_frees_its_place_soon() {
    for (peer, seconds) in [
        (Peer::Nothing, 2..=2),
        (Peer::SendsNowAndThen, 5..=5),
        (Peer::SendsWithoutAPause, 0..=5),
        (Peer::Closes, 0..=0),
    ] {
        let (world, network) = HttpPort::on_pipes(PortLimits::default());
        let request = "POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n";
        let mut stream = network.sending(request).await;
        assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 404 "));
        assert_eq!(some_of(&mut stream).await, "", "nothing more is said");
        let since = Instant::now();
        let misbehaves = async {
            match peer {
                Peer::Nothing => std::future::pending().await,
                Peer::Closes => stream.shutdown().await.expect("open"),
                Peer::SendsNowAndThen => {
                    while stream.write_all(b"x").await.is_ok() {
                        sleep(Duration::from_millis(500)).await;
                    }
                }
                Peer::SendsWithoutAPause => {
                    let bytes = vec![0; 32 << 10];
                    while stream.write_all(&bytes).await.is_ok() {}
                }
            }
            std::future::pending::<()>().await;
        };
        let is_free = async {
            while world.port.connections.open() > 0 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            biased;
            () = misbehaves => {}
            () = is_free => {}
        }
        let took = since.elapsed().as_secs();
        assert!(seconds.contains(&took), "{took} s, not {seconds:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_which_all_was_read_ends_with_its_peer() {
    let (world, network) = HttpPort::on_pipes(PortLimits::default());
    let since = Instant::now();
    let stream = network.sending("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(all_of(stream).await.starts_with("HTTP/1.1 200 "));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.port.connections.open(), 0);
    assert!(since.elapsed() < Duration::from_millis(10));
}
