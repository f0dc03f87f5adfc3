//! The limits for the peers of a port.

use std::time::Duration;

use port::{PortLimits, some_of};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use super::support::{HttpPort, SLOW, all_of, ask};

#[tokio::test(start_paused = true)]
async fn one_connection_too_many_is_told_so_and_the_others_go_on() {
    let (world, network) =
        HttpPort::on_pipes(PortLimits { connections_max: 1, ..PortLimits::default() });
    let mut first = network.sending(&ask("/")).await;
    assert!(some_of(&mut first).await.starts_with("HTTP/1.1 200"));
    let refusal = all_of(network.sending(&ask("/")).await).await;
    for part in [
        "HTTP/1.1 503 ",
        "retry-after: 1",
        "application/problem+json",
        ":overloaded",
        "1 connections",
    ] {
        assert!(refusal.contains(part), "{part} is not in {refusal}");
    }
    first.write_all(ask("/").as_bytes()).await.expect("open");
    assert!(some_of(&mut first).await.starts_with("HTTP/1.1 200"));
    drop(first);
    sleep(Duration::from_millis(1)).await;
    assert!(some_of(&mut network.sending(&ask("/")).await).await.starts_with("HTTP/1.1 200"));
    assert_eq!((world.port.connections.open(), world.port.connections.refused()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_that_does_not_listen_does_not_stay() {
    let (_world, network) =
        HttpPort::on_pipes(PortLimits { connections_max: 1, ..PortLimits::default() });
    let _first = network.dial();
    sleep(Duration::from_millis(1)).await;
    let mut refused = network.dial();
    let since = Instant::now();
    assert!(some_of(&mut refused).await.starts_with("HTTP/1.1 503"));
    // It never closes its end, and is cut off.
    while refused.write_all(&[0]).await.is_ok() {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused() {
    let (_world, network) =
        HttpPort::on_pipes(PortLimits { head_bytes_max: 8 << 10, ..PortLimits::default() });
    let padding = "x".repeat(9 << 10);
    let mut stream = network.dial();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\npadding: {padding}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the pipe holds it");
    assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_shuts_down_answers_what_it_was_asked_and_lets_go_of_the_rest() {
    let (world, network) = HttpPort::on_pipes(PortLimits::default());
    let mut idle = network.sending(&ask("/")).await;
    assert!(some_of(&mut idle).await.starts_with("HTTP/1.1 200"));
    let busy = network.sending(&ask("/slow")).await;
    sleep(Duration::from_millis(1)).await;
    let since = Instant::now();
    world.shutdown.cancel();
    assert_eq!(some_of(&mut idle).await, "", "the connection has ended");
    drop(idle);
    assert!(all_of(busy).await.ends_with("late"));
    world.served.await.expect("no panic");
    assert!(since.elapsed() <= SLOW, "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn why_a_connection_was_cut_off_is_counted() {
    let (world, network) =
        HttpPort::on_pipes(PortLimits { head_bytes_max: 8 << 10, ..PortLimits::default() });
    let late = network.sending("GET / HTTP/1.1\r\n").await;
    let large = format!("GET / HTTP/1.1\r\npadding: {}\r\n\r\n", "x".repeat(9 << 10));
    assert!(all_of(network.sending(&large).await).await.starts_with("HTTP/1.1 431 "));
    assert!(all_of(network.sending("\0\0\0\0\r\n\r\n").await).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(all_of(late).await, "");
    assert_eq!(world.cuts(), [("head-late", 1), ("head-too-large", 1), ("not-http", 1)]);
}
