//! Dead peers, noticed from either side.

use std::time::Duration;

use link::{CloseReason, Lost, Settings};
use tokio::time::{Instant, sleep, timeout};

use super::support::{FakeServer, LinkServer, Message, assert_alive, frame_of};

/// The time that the scheduling of a few tasks may add. In paused time it is next to nothing.
const SLACK: Duration = Duration::from_millis(5);

#[tokio::test(start_paused = true)]
async fn a_link_on_which_nothing_is_said_stays_open() {
    let world = LinkServer::new();
    let (mut client, mut server) = world.link().await;
    sleep(Duration::from_secs(3600)).await;
    assert_alive(&mut client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_answering_pings_is_dropped_within_detection() {
    let world = LinkServer::new();
    let (mut peer, server) = world.raw_link().await;
    peer.text("3").await;
    let start = Instant::now();
    let reading = tokio::spawn(async move { while peer.next_raw().await.is_some() {} });
    let reason = server.arrivals.closed().await;
    assert!(matches!(reason, CloseReason::Lost(Lost::Silent(_))), "{reason}");
    assert!(start.elapsed() <= world.settings.detection() + SLACK, "{:?}", start.elapsed());
    reading.await.expect("the connection ends too");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_frames_but_answers_no_pings_is_dropped_within_detection() {
    let world = LinkServer::new();
    let (mut peer, server) = world.raw_link().await;
    let start = Instant::now();
    tokio::spawn(async move {
        let frame = frame_of(&Message::new(1, 1));
        loop {
            peer.frame(frame.clone()).await;
            sleep(Duration::from_millis(50)).await;
        }
    });
    let reason = server.arrivals.closed().await;
    assert!(matches!(reason, CloseReason::Lost(Lost::Silent(_))), "{reason}");
    assert!(start.elapsed() <= world.settings.detection() + SLACK, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_noticed_within_detection_though_a_write_to_it_is_blocked() {
    let settings = Settings { write_deadline: Duration::from_secs(30), ..Settings::default() };
    let world = LinkServer::with(settings, 4 << 10);
    let (mut peer, server) = world.raw_link().await;
    // The peer's last message is not a pong, so the heartbeat fails first. It stops the
    // reading, but not a blocked write.
    sleep(Duration::from_millis(400)).await;
    peer.frame(frame_of(&Message::new(1, 1))).await;
    let start = Instant::now();
    for number in 0..4 {
        server.sender.send(&Message::bulk(number)).expect("room");
    }
    let reason = server.arrivals.closed().await;
    assert!(matches!(reason, CloseReason::Lost(Lost::Silent(_))), "{reason}");
    assert!(start.elapsed() <= world.settings.detection() + SLACK, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_silent_is_noticed_within_detection() {
    let settings = Settings::default();
    let (_silent, client) = FakeServer::with_link(&settings).await;
    let start = Instant::now();
    assert_eq!(client.arrivals.closed().await, Lost::Silent(settings.detection()).into());
    assert_eq!(start.elapsed(), settings.detection());
    assert!(client.sender.send(&Message::new(0, 0)).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_noticed_though_a_write_to_it_is_blocked() {
    let settings = Settings { write_deadline: Duration::from_secs(30), ..Settings::default() };
    let (_silent, client) = FakeServer::with_link(&settings).await;
    let start = Instant::now();
    for number in 0..4 {
        client.sender.send(&Message::bulk(number)).expect("room");
    }
    assert_eq!(client.arrivals.closed().await, Lost::Silent(settings.detection()).into());
    assert_eq!(start.elapsed(), settings.detection());
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_no_longer_than_its_own_settings_allow_whatever_the_server_announces() {
    let settings = Settings::default();
    let announced = r#"0{"sid":"s","pingInterval":25000,"pingTimeout":20000}"#;
    let (_silent, opening) =
        FakeServer::scripted(&settings, announced, &FakeServer::admits()).await;
    let client = super::support::open(opening.expect("let in"));
    let start = Instant::now();
    assert_eq!(client.arrivals.closed().await, Lost::Silent(settings.detection()).into());
    assert_eq!(start.elapsed(), settings.detection());
}

#[tokio::test(start_paused = true)]
async fn a_client_answers_every_ping() {
    let (mut server, client) = FakeServer::with_link(&Settings::default()).await;
    for _ in 0..20 {
        server.text("2").await;
        assert_eq!(timeout(SLACK, server.next()).await.expect("at once").as_deref(), Some("3"));
        sleep(Duration::from_millis(500)).await;
    }
    client.sender.send(&Message::new(0, 0)).expect("open");
}
