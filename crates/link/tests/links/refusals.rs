//! Refused peers, and how they learn of the refusal.

use std::time::Duration;

use link::{ConnectError, Settings};
use port::TcpConnector;
use protocol::refusal::RefusalCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};

use super::support::{FakeServer, LinkServer, Message, RawPeer, hello};

async fn connect(world: &LinkServer, hello: &Value) -> ConnectError {
    link::connect::<_, Message, Message>(world.network.dial(), hello, &world.settings)
        .await
        .expect_err("not let in")
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_or_none_is_refused_with_a_code() {
    let world = LinkServer::new();
    for hello in [hello("wrong"), json!({}), json!(null), json!("right"), json!([1, "right"])] {
        let error = connect(&world, &hello).await;
        let ConnectError::Refused(refusal) = error else { panic!("{hello}: {error}") };
        assert_eq!(refusal.code, RefusalCode::Unauthorized);
        assert_eq!(refusal.detail, "the secret is \"wrong\": or missing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_connect_error_to_any_client() {
    let world = LinkServer::new();
    for connect in ["40", "40{}", r#"40{"secret":"wrong"}"#] {
        let mut peer = RawPeer::over(world.network.dial()).await;
        peer.text(connect).await;
        let answer = peer.next_text().await.expect("an answer");
        let json: Value = serde_json::from_str(answer.strip_prefix("44").expect("a CONNECT_ERROR"))
            .expect("JSON");
        assert_eq!(json["message"], "unauthorized: the secret is \"wrong\": or missing");
    }
    let mut peer = RawPeer::over(world.network.dial()).await;
    peer.text("40{not json").await;
    assert!(
        peer.next_text().await.is_some_and(|answer| answer.contains("malformed: auth is not JSON"))
    );
}

#[tokio::test(start_paused = true)]
async fn who_connects_and_says_nothing_is_dropped_by_the_connect_deadline() {
    let world = LinkServer::new();
    let deadline = world.settings.connect_deadline;
    let start = Instant::now();
    let mut silent = world.network.dial();
    assert_eq!(silent.read(&mut [0; 64]).await.expect("an end"), 0);
    assert_eq!(start.elapsed(), deadline);

    let start = Instant::now();
    let mut half = world.network.dial();
    half.write_all(b"GET /socket.io/?EIO=4").await.expect("open");
    assert_eq!(half.read(&mut [0; 64]).await.expect("an end"), 0);
    assert_eq!(start.elapsed(), deadline);
}

#[tokio::test(start_paused = true)]
async fn who_opens_a_session_and_never_authenticates_is_dropped_by_the_connect_deadline() {
    let world = LinkServer::new();
    let mut peer = RawPeer::over(world.network.dial()).await;
    let time = peer.time_to_end().await;
    assert!(time <= world.settings.connect_deadline, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn who_was_refused_or_asked_for_another_namespace_is_dropped_by_the_connect_deadline() {
    let world = LinkServer::new();
    for connect in ["40{}", "40/admin,{\"secret\":\"right\"}"] {
        let mut peer = RawPeer::over(world.network.dial()).await;
        peer.text(connect).await;
        let time = peer.time_to_end().await;
        assert!(time <= world.settings.connect_deadline, "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up_at_the_connect_deadline() {
    let settings = Settings::default();
    let (near, _far) = duplex(1 << 10);
    let start = Instant::now();
    let error = link::connect::<_, Message, Message>(near, &hello("right"), &settings)
        .await
        .expect_err("no answer");
    assert!(
        matches!(error, ConnectError::TimedOut(deadline) if deadline == settings.connect_deadline),
        "{error}"
    );
    assert_eq!(start.elapsed(), settings.connect_deadline);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_ends_the_attempt() {
    let (near, far) = duplex(1 << 10);
    drop(far);
    let settings = Settings::default();
    let error = link::connect::<_, Message, Message>(near, &hello("right"), &settings)
        .await
        .expect_err("nobody");
    assert!(matches!(error, ConnectError::Ended(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_one_of_links_is_told_from_a_refusal() {
    let settings = Settings::default();
    let open = r#"0{"sid":"s","pingInterval":500,"pingTimeout":1000}"#;
    for (open, answer) in [
        (open, r#"44{"message":"Invalid namespace"}"#),
        (open, "44nonsense"),
        (open, "nonsense"),
        (open, open),
        ("0{}", ""),
        ("hello", ""),
        (r#"40{"sid":"s"}"#, ""),
    ] {
        let (_server, result) = FakeServer::scripted(&settings, open, &[answer]).await;
        let error = result.expect_err("not let in");
        assert!(matches!(error, ConnectError::Foreign(_)), "{open} {answer}: {error}");
    }
    let (near, mut far) = duplex(1 << 10);
    tokio::spawn(async move {
        far.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await
    });
    let error = link::connect::<_, Message, Message>(near, &hello("right"), &settings)
        .await
        .expect_err("404");
    assert!(matches!(error, ConnectError::Foreign(_)), "{error}");
}

#[tokio::test]
async fn an_address_where_nobody_listens_cannot_be_reached() {
    let dial = link::dial::<Message, Message>(
        &TcpConnector,
        "127.0.0.1:1",
        &hello("right"),
        &Settings::default(),
    )
    .await
    .expect_err("nobody there");
    assert!(matches!(dial, ConnectError::Unreachable(_)), "{dial}");
}

#[tokio::test(start_paused = true)]
async fn polling_is_not_served_and_neither_are_other_paths() {
    let world = LinkServer::new();
    for path in ["/socket.io/?EIO=4&transport=polling", "/elsewhere"] {
        let mut stream = world.network.dial();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("open");
        let mut answer = String::new();
        let read = timeout(Duration::from_secs(1), stream.read_to_string(&mut answer)).await;
        read.expect("in time").expect("text");
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
    }
}
