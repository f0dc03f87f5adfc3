//! Peers that are alive, but do not read.

use std::time::Duration;

use link::{CloseReason, Closed, Lost, Settings};
use tokio::time::{Instant, sleep};

use super::support::{FakeServer, LinkServer, Message, RawPeer, assert_alive};

const SLACK: Duration = Duration::from_millis(5);

/// Sends pongs for ever, without reading the pings.
fn keep_alive(mut peer: RawPeer) {
    tokio::spawn(async move {
        loop {
            peer.text("3").await;
            sleep(Duration::from_millis(100)).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_dropped_by_the_write_deadline() {
    let world = LinkServer::new();
    let (mut other_client, mut other_server) = world.link().await;
    let (peer, server) = world.raw_link().await;
    keep_alive(peer);
    sleep(Duration::from_secs(10)).await;
    let start = Instant::now();
    server.sender.send(&Message::bulk(0)).expect("room");
    assert_eq!(
        server.arrivals.closed().await,
        Lost::NotReading(world.settings.write_deadline).into()
    );
    assert!(start.elapsed() <= world.settings.write_deadline + SLACK, "{:?}", start.elapsed());
    assert_alive(&mut other_client, &mut other_server).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_is_dropped_by_the_write_deadline() {
    let settings = Settings::default();
    let (mut server, client) = FakeServer::with_link(&settings).await;
    tokio::spawn(async move {
        loop {
            server.text("2").await;
            sleep(Duration::from_millis(100)).await;
        }
    });
    sleep(Duration::from_secs(10)).await;
    let start = Instant::now();
    client.sender.send(&Message::bulk(0)).expect("room");
    assert_eq!(client.arrivals.closed().await, Lost::NotReading(settings.write_deadline).into());
    assert!(start.elapsed() <= settings.write_deadline + SLACK, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_overflows_closes_the_link_with_a_reason_that_says_so() {
    let world = LinkServer::new();
    let settings = Settings::default();
    let full = CloseReason::QueueFull { limit: settings.queue_bytes_max, unit: "bytes" };

    let (peer, server) = world.raw_link().await;
    keep_alive(peer);
    let (_silent, client) = FakeServer::with_link(&settings).await;
    for end in [server, client] {
        sleep(Duration::from_millis(10)).await;
        let start = Instant::now();
        let refused = (0..100).find_map(|number| end.sender.send(&Message::bulk(number)).err());
        assert_eq!(refused, Some(Closed(full.clone())));
        assert_eq!(end.arrivals.closed().await, full);
        assert!(start.elapsed() <= SLACK, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_but_steadily_keeps_its_link() {
    // So slow that the transfer takes longer than the write deadline, but fast enough for the
    // pings to come through.
    let settings = Settings { write_deadline: Duration::from_millis(20), ..Settings::default() };
    let world = LinkServer::with(settings, 4 << 10);
    let (near, far) = tokio::io::duplex(4 << 10);
    tokio::spawn(carry_slowly(far, world.network.dial()));
    let mut client = world.client(near).await;
    let server = world.acceptor.next_link().await;
    let start = Instant::now();
    for number in 0..3 {
        server.sender.send(&Message::bulk(number)).expect("room");
    }
    for number in 0..3 {
        assert_eq!(client.arrivals.next_message().await.number, number);
    }
    assert!(start.elapsed() > 5 * world.settings.write_deadline, "{:?}", start.elapsed());
}

/// Copies in both directions, 8 KiB a millisecond.
async fn carry_slowly(one: tokio::io::DuplexStream, other: tokio::io::DuplexStream) {
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    async fn carry(
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        let mut buffer = [0; 8 << 10];
        loop {
            let bytes = from.read(&mut buffer).await?;
            if bytes == 0 {
                return Ok(());
            }
            to.write_all(&buffer[..bytes]).await?;
            sleep(Duration::from_millis(1)).await;
        }
    }
    let (one_read, one_write) = tokio::io::split(one);
    let (other_read, other_write) = tokio::io::split(other);
    let _ = tokio::join!(carry(one_read, other_write), carry(other_read, one_write));
}
