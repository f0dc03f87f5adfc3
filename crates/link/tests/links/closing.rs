//! Orderly ends.

use std::time::Duration;

use link::{CloseReason, Lost, Settings};
use tokio::time::{Instant, sleep};

use super::support::{End, FakeServer, LinkServer, Message, USED, hello};

const SLACK: Duration = Duration::from_millis(5);

fn local(words: &str) -> CloseReason {
    CloseReason::Local(words.to_owned())
}

async fn assert_flushes(closing: End, other: End) {
    for number in 0..12 {
        closing.sender.send(&Message::bulk(number)).expect("room");
    }
    closing.sender.send(&Message::new(1, 12)).expect("room");
    closing.sender.close("enough");
    assert_eq!(closing.sender.send(&Message::new(1, 13)).expect_err("closed").0, local("enough"));
    closing.sender.close("more than enough");
    let ((_, reason), (messages, others_reason)) =
        tokio::join!(closing.arrivals.rest(), other.arrivals.rest());
    let numbers: Vec<u32> = messages.iter().map(|message| message.number).collect();
    assert_eq!(numbers, (0..13).collect::<Vec<_>>());
    assert_eq!((reason, others_reason), (local("enough"), CloseReason::Peer));
}

#[tokio::test(start_paused = true)]
async fn close_at_the_client_flushes_what_was_sent_before() {
    let world = LinkServer::new();
    let (client, server) = world.link().await;
    assert_flushes(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn close_at_the_server_flushes_what_was_sent_before() {
    let world = LinkServer::new();
    let (client, server) = world.link().await;
    assert_flushes(server, client).await;
}

#[tokio::test(start_paused = true)]
async fn ends_that_close_at_once_hear_it_once_each() {
    let world = LinkServer::new();
    for _ in 0..100 {
        let (client, server) = world.link().await;
        client.sender.close("client");
        server.sender.close("server");
        let reasons = tokio::join!(client.arrivals.closed(), server.arrivals.closed());
        assert_eq!(reasons, (local("client"), local("server")));
    }
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_a_peer_that_does_not_read_no_longer_than_the_write_deadline() {
    let world = LinkServer::new();
    let settings = Settings::default();
    let (_peer, server) = world.raw_link().await;
    let (_silent, client) = FakeServer::with_link(&settings).await;
    // The close ends them, not the peer's silence.
    for end in [server, client] {
        let start = Instant::now();
        end.sender.send(&Message::bulk(0)).expect("room");
        end.sender.close("enough");
        assert_eq!(end.arrivals.closed().await, local("enough"));
        assert!(start.elapsed() <= settings.write_deadline + SLACK, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ignores_the_goodbye_is_cut_off_at_the_write_deadline() {
    let world = LinkServer::new();
    let (mut peer, server) = world.raw_link().await;
    server.sender.close("enough");
    assert_eq!(server.arrivals.closed().await, local("enough"));
    let start = Instant::now();
    let mut texts = Vec::new();
    while let Some(text) = peer.next_text().await {
        texts.push(text);
    }
    let version = format!(r#"42["protocol",{USED}]"#);
    assert_eq!(texts, [version.as_str(), "41"], "the version, and a socket.io DISCONNECT");
    assert!(start.elapsed() <= world.settings.write_deadline + SLACK, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_the_goodbye_is_left_at_the_write_deadline() {
    let settings = Settings { heartbeat_timeout: Duration::from_secs(30), ..Settings::default() };
    let announced = r#"0{"sid":"s","pingInterval":500,"pingTimeout":30000}"#;
    let (mut server, opening) =
        FakeServer::scripted(&settings, announced, &FakeServer::admits()).await;
    let client = super::support::open(opening.expect("let in"));
    let start = Instant::now();
    client.sender.close("enough");
    // The server does not read its websocket, so it does not answer the goodbye.
    assert_eq!(client.arrivals.closed().await, local("enough"));
    assert_eq!(start.elapsed(), settings.write_deadline);
    assert_eq!(server.next().await.as_deref(), Some("41"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_connection_breaks_is_lost() {
    let world = LinkServer::new();
    let (peer, server) = world.raw_link().await;
    drop(peer);
    assert!(matches!(server.arrivals.closed().await, CloseReason::Lost(Lost::Connection(_))));
    let (server, client) = FakeServer::with_link(&world.settings).await;
    drop(server);
    assert!(matches!(client.arrivals.closed().await, CloseReason::Lost(Lost::Connection(_))));
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_is_dropped_closes_the_connection_and_its_senders() {
    let world = LinkServer::new();
    let opening = link::connect::<_, Message, Message>(
        world.network.dial(),
        &hello("right"),
        &world.settings,
    )
    .await
    .expect("let in");
    let sender = opening.sender();
    let server = world.acceptor.next_link().await;
    drop(opening);
    assert!(sender.send(&Message::new(0, 0)).is_err());
    assert!(matches!(server.arrivals.closed().await, CloseReason::Lost(Lost::Connection(_))));
}

#[tokio::test(start_paused = true)]
async fn a_link_outlives_its_senders() {
    let world = LinkServer::new();
    let (client, mut server) = world.link().await;
    drop(client.sender);
    sleep(Duration::from_millis(50)).await;
    server.sender.send(&Message::new(1, 2)).expect("open");
    let mut arrivals = client.arrivals;
    assert_eq!(arrivals.next_message().await, Message::new(1, 2));
    drop(arrivals);
    server.sender.send(&Message::new(1, 3)).expect("open");
    server.sender.close("done");
    assert_eq!(server.arrivals.closed().await, local("done"));
    server.arrivals = super::support::Recorder::new().1;
}
