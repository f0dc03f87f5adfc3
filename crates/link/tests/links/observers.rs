//! Users' own socket.io clients. A handwritten websocket client with the text protocol plays
//! them.

use std::time::Duration;

use link::{CloseReason, Observer};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::support::{LinkServer, RawPeer};

async fn observer(world: &LinkServer) -> (RawPeer, Observer) {
    let mut peer = RawPeer::over(world.network.dial()).await;
    peer.authenticate("observer").await;
    (peer, world.acceptor.next_observer().await)
}

#[tokio::test(start_paused = true)]
async fn an_observer_hears_the_welcome_first_and_then_every_event_as_json_text() {
    let world = LinkServer::new();
    let (mut peer, observer) = observer(&world).await;
    for epoch in 0..3 {
        observer.emit("view", &json!({"partition": 0, "epoch": epoch})).expect("connected");
    }
    observer.emit("several", &(1, "two")).expect("connected");
    assert_eq!(peer.next_text().await.as_deref(), Some(r#"42["welcome",{"ring":["db-0"]}]"#));
    for epoch in 0..3 {
        let expected = format!(r#"42["view",{{"epoch":{epoch},"partition":0}}]"#);
        assert_eq!(peer.next_text().await, Some(expected));
    }
    assert_eq!(peer.next_text().await.as_deref(), Some(r#"42["several",1,"two"]"#));
}

#[tokio::test(start_paused = true)]
async fn an_observer_stays_while_it_answers_pings_and_may_say_what_it_likes() {
    let world = LinkServer::new();
    let (mut peer, observer) = observer(&world).await;
    peer.text(r#"42["hello","there"]"#).await;
    let heard = timeout(Duration::from_secs(600), async {
        peer.next_text().await;
        peer.next_text().await
    });
    assert!(heard.await.is_err(), "nothing but the welcome");
    assert!(!observer.is_gone());
}

#[tokio::test(start_paused = true)]
async fn one_learns_that_an_observer_is_gone() {
    let world = LinkServer::new();
    for goodbye in ["41", "1"] {
        let (mut peer, observer) = observer(&world).await;
        peer.text(goodbye).await;
        assert_eq!(observer.gone().await, CloseReason::Peer);
        assert!(observer.is_gone());
        assert!(observer.emit("view", &1).is_err());
        peer.time_to_end().await;
    }
    let (peer, observer) = observer(&world).await;
    drop(peer);
    assert!(matches!(observer.gone().await, CloseReason::Lost(_)));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_is_closed_learns_of_it_and_is_cut_off_if_it_stays() {
    let world = LinkServer::new();
    let (mut peer, observer) = observer(&world).await;
    let began = Instant::now();
    observer.close("its token is gone").await;
    assert_eq!(began.elapsed(), world.settings.detection(), "it stayed");
    assert!(observer.emit("view", &1).is_err());
    assert_eq!(observer.gone().await, CloseReason::Local("its token is gone".to_owned()));
    assert!(peer.next_text().await.is_some_and(|text| text.contains("welcome")));
    assert_eq!(peer.next_text().await.as_deref(), Some("41"));

    let (mut peer, observer) = self::observer(&world).await;
    let leaves = async {
        while peer.next_text().await.as_deref() != Some("41") {}
        drop(peer);
    };
    let began = Instant::now();
    tokio::join!(observer.close("its token is gone"), leaves);
    assert!(began.elapsed() < world.settings.detection(), "it left");
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_does_not_read_is_dropped_and_others_are_not() {
    let settings = link::Settings { observer_packets_max: 32, ..link::Settings::default() };
    let world = LinkServer::with(settings, 4 << 10);
    let (mut other, other_observer) = observer(&world).await;
    let (peer, stalled) = observer(&world).await;
    let text = "x".repeat(4 << 10);
    let mut emitted = 0;
    let closed = loop {
        match stalled.emit("view", &text) {
            Ok(()) => emitted += 1,
            Err(closed) => break closed,
        }
        assert!(emitted < 1000, "it has to end");
        tokio::task::yield_now().await;
    };
    let limit = world.settings.observer_packets_max;
    let full = CloseReason::QueueFull { limit, unit: "packets" };
    assert!(emitted >= limit);
    assert_eq!((closed.0, stalled.gone().await), (full.clone(), full));
    drop(peer);
    other_observer.emit("view", &1).expect("connected");
    other.next_text().await.expect("the welcome");
    assert_eq!(other.next_text().await.as_deref(), Some(r#"42["view",1]"#));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_dies_is_gone_within_detection() {
    let world = LinkServer::new();
    let (_dead, observer) = observer(&world).await;
    let start = Instant::now();
    assert!(matches!(observer.gone().await, CloseReason::Lost(_)));
    assert!(start.elapsed() <= world.settings.detection() + Duration::from_millis(5));
    sleep(Duration::from_secs(1)).await;
}
