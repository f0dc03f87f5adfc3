//! Peers that end their writing half after their requests, and peers that go away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use port::PortLimits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::support::{HttpPort, SLOW, all_of, ask};

fn post(body: &str, length: usize) -> String {
    format!("POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test(start_paused = true)]
async fn a_client_that_half_closes_is_answered() {
    let (world, network) = HttpPort::on_pipes(PortLimits::default());
    let chunked =
        "POST /body HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    for (request, status) in [
        (ask("/"), "200"),
        (ask("/slow"), "200"),
        (ask("/nowhere"), "404"),
        (post("body", 4), "201"),
        (chunked.to_owned(), "201"),
    ] {
        // At once, during the work on the request, and after the answer to a slow one.
        for pause in [Duration::ZERO, Duration::from_millis(2), SLOW * 2] {
            let mut stream = network.sending(&request).await;
            sleep(pause).await;
            stream.shutdown().await.expect("open");
            let answer = all_of(stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!((world.port.connections.open(), world.cuts()), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_sent_ahead_are_all_answered_before_a_half_closed_connection_ends() {
    let (world, network) = HttpPort::on_pipes(PortLimits::default());
    let requests = [ask("/slow"), post("body", 4), ask("/"), ask("/slow"), ask("/")].concat();
    let mut stream = network.sending(&requests).await;
    stream.shutdown().await.expect("open");
    let answers = all_of(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 20").count(), 5, "{answers}");
    assert_eq!(world.bodies.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn half_a_request_before_the_end_is_not_served() {
    let (world, network) = HttpPort::on_pipes(PortLimits::default());
    let half_chunk = "POST /body HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbo";
    for half in ["", "GE", "GET / HTTP/1.1\r\nhost:", &post("bod", 4), &post("", 4), half_chunk] {
        let mut stream = network.sending(half).await;
        stream.shutdown().await.expect("open");
        let answer = all_of(stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{half}: {answer}");
    }
    // The request before it is served.
    let mut stream = network.sending(&format!("{}GET / HT", ask("/"))).await;
    stream.shutdown().await.expect("open");
    let answers = all_of(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
    assert_eq!(world.bodies.load(Ordering::Relaxed), 0);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.port.connections.open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_gone_frees_its_place() {
    let (world, address) = HttpPort::on_tcp(PortLimits::default()).await;
    for request in [String::new(), "GET / HT".to_owned(), ask("/"), post("bod", 4), ask("/slow")] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        sleep(Duration::from_millis(20)).await;
        assert_eq!(world.port.connections.open(), 1, "{request}");
        stream.set_zero_linger().expect("a socket");
        drop(stream);
        let mut waits = 0;
        while world.port.connections.open() > 0 {
            sleep(Duration::from_millis(20)).await;
            waits += 1;
            assert!(waits < 500, "{request} keeps its place");
        }
    }
}
