//! Kept connections, and the time limits for the arrival of a request.

use std::time::Duration;

use port::{PortLimits, some_of};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, sleep_until};

use super::support::{HttpPort, SLOW, all_of, ask};

const RECEIVE: Duration = Duration::from_secs(7);
const IDLE: Duration = Duration::from_secs(60);

fn limits() -> PortLimits {
    PortLimits { receive_deadline: RECEIVE, idle_deadline: IDLE, ..PortLimits::default() }
}

async fn sends(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("open");
}

async fn is_served(stream: &mut DuplexStream) {
    sends(stream, &ask("/")).await;
    let answer = some_of(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_is_closed_when_it_has_idled_and_that_is_no_attack() {
    let (world, network) = HttpPort::on_pipes(limits());
    let mut stream = network.dial();
    // Longer than the limit of a head, shorter than the limit of idle time.
    for _ in 0..3 {
        is_served(&mut stream).await;
        sleep(IDLE - Duration::from_millis(1)).await;
    }
    is_served(&mut stream).await;
    let since = Instant::now();
    assert_eq!(some_of(&mut stream).await, "");
    assert_eq!((since.elapsed(), world.cuts()), (IDLE, vec![("idle", 1)]));
    drop(stream);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.port.connections.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_from_its_answer_on() {
    let limits = PortLimits { idle_deadline: SLOW / 3, ..limits() };
    let (world, network) = HttpPort::on_pipes(limits);
    // A slow answer, and a slow body.
    let mut stream = network.sending(&ask("/slow")).await;
    assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 200 "));
    sends(&mut stream, "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbo").await;
    sleep(SLOW).await;
    sends(&mut stream, "dy").await;
    assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 201 "));
    let since = Instant::now();
    assert_eq!(some_of(&mut stream).await, "");
    assert_eq!((since.elapsed(), world.cuts()), (SLOW / 3, vec![("idle", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_from_its_first_byte() {
    let (world, network) = HttpPort::on_pipes(limits());
    let new = network.dial();
    let mut kept = network.dial();
    is_served(&mut kept).await;
    for mut stream in [new, kept] {
        sleep(RECEIVE - Duration::from_secs(1)).await;
        let since = Instant::now();
        // A byte now and then does not extend the deadline.
        for byte in "GET / H".chars() {
            sends(&mut stream, &byte.to_string()).await;
            sleep(Duration::from_millis(900)).await;
        }
        assert_eq!(all_of(stream).await, "");
        assert_eq!(since.elapsed(), RECEIVE);
    }
    assert_eq!(world.cuts(), [("head-late", 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_that_sends_nothing_ends_at_the_receive_deadline() {
    let (world, network) = HttpPort::on_pipes(limits());
    let since = Instant::now();
    assert_eq!(all_of(network.dial()).await, "");
    assert_eq!((since.elapsed(), world.cuts()), (RECEIVE, vec![("head-late", 1)]));
}

#[tokio::test(start_paused = true)]
async fn empty_lines_between_requests_neither_begin_one_nor_keep_a_connection() {
    let (world, network) = HttpPort::on_pipes(limits());
    let mut stream = network.dial();
    is_served(&mut stream).await;
    let since = Instant::now();
    for second in [10, 30, 50] {
        sleep_until(since + Duration::from_secs(second)).await;
        sends(&mut stream, "\r\n").await;
    }
    assert_eq!(some_of(&mut stream).await, "");
    assert_eq!((since.elapsed(), world.cuts()), (IDLE, vec![("idle", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_after_a_small_body_that_nobody_read() {
    let (world, network) = HttpPort::on_pipes(limits());
    let mut stream =
        network.sending("POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n").await;
    sends(&mut stream, "body").await;
    assert!(some_of(&mut stream).await.starts_with("HTTP/1.1 404 "));
    let since = Instant::now();
    assert_eq!(some_of(&mut stream).await, "");
    assert_eq!((since.elapsed(), world.cuts()), (IDLE, vec![("idle", 1)]));
}
