//! Peers that break the protocol: their link closes, and no other.

use std::time::Duration;

use bytes::Bytes;
use link::{CloseReason, Lost, Settings, Violation};
use protocol::frame::{FRAME_BYTES_MAX, FrameError};
use tokio::time::timeout;

use super::support::{
    FakeServer, LinkServer, Message, RawPeer, USED, assert_alive, frame_of, patient,
};

const FRAME_HEADER: &str = r#"451-["frame",0,{"_placeholder":true,"num":0}]"#;

/// A message of a bad peer after its admission.
enum Act {
    Text(&'static str),
    Binary(Bytes),
}
use Act::{Binary, Text};

fn good_frame() -> Bytes {
    frame_of(&Message::new(1, 1))
}

fn frame_of_another_version() -> Bytes {
    let mut bytes = good_frame().to_vec();
    bytes[0] ^= 0x40;
    bytes.into()
}

fn frame_of_something_else() -> Bytes {
    let mut bytes = USED.0.to_be_bytes().to_vec();
    bytes.extend([0xff; 64]);
    bytes.into()
}

fn huge() -> Bytes {
    vec![0; FRAME_BYTES_MAX + 1].into()
}

/// Checks the reason of the end.
type Expected = fn(&CloseReason) -> bool;

fn not_a_packet(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::Violation(Violation::NotAPacket(_)))
}

fn not_a_frame(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::Violation(Violation::NotAFrame))
}

fn other_version(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::Violation(Violation::Frame(FrameError::Version { .. })))
}

fn malformed(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::Violation(Violation::Frame(FrameError::Malformed { .. })))
}

/// Violations by either end.
fn violations() -> Vec<(&'static str, Vec<Act>, Expected)> {
    vec![
        ("garbage", vec![Text("garbage")], not_a_packet),
        ("nothing", vec![Text("")], not_a_packet),
        ("a multi-byte character", vec![Text("é")], not_a_packet),
        ("a garbled message", vec![Text("4garbage")], not_a_packet),
        ("binary without header", vec![Binary(good_frame())], not_a_packet),
        (
            "a text in the place of an attachment",
            vec![Text(FRAME_HEADER), Text(FRAME_HEADER)],
            not_a_packet,
        ),
        ("two attachments", vec![Text("452-[\"frame\",0]")], not_a_packet),
        ("an unknown event", vec![Text("42[\"other\",1]")], not_a_frame),
        ("a frame without attachment", vec![Text("42[\"frame\",0]")], not_a_frame),
        (
            "an unknown event with attachment",
            vec![Text("451-[\"other\"]"), Binary(good_frame())],
            not_a_frame,
        ),
        (
            "a wish for an acknowledgement",
            vec![Text("451-7[\"frame\",0]"), Binary(good_frame())],
            not_a_frame,
        ),
        (
            "another version",
            vec![Text(FRAME_HEADER), Binary(frame_of_another_version())],
            other_version,
        ),
        (
            "something else in a frame",
            vec![Text(FRAME_HEADER), Binary(frame_of_something_else())],
            malformed,
        ),
        ("an empty attachment", vec![Text(FRAME_HEADER), Binary(Bytes::new())], |reason| {
            matches!(reason, CloseReason::Violation(Violation::Frame(FrameError::Truncated(0))))
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_the_protocol_loses_its_link_and_nobody_else_does() {
    let world = LinkServer::new();
    let (mut other_client, mut other_server) = world.link().await;
    let mut violations = violations();
    // The server's websocket cannot tell a packet above the limit from a broken connection.
    violations.push(("a huge packet", vec![Text(FRAME_HEADER), Binary(huge())], |reason| {
        matches!(reason, CloseReason::Lost(Lost::Connection(_)))
    }));
    for (what, acts, expected) in violations {
        let (mut peer, server) = world.raw_link().await;
        let acting = async {
            for act in acts {
                match act {
                    Text(text) => peer.text(text).await,
                    Binary(bytes) => peer.binary(bytes).await,
                }
            }
            peer.time_to_end().await
        };
        let (time, reason) = tokio::join!(acting, server.arrivals.closed());
        assert!(expected(&reason), "{what}: {reason:?}");
        assert!(time <= world.settings.write_deadline, "{what}: the connection stays for {time:?}");
        assert!(server.sender.send(&Message::new(0, 0)).is_err(), "{what}");
        assert_alive(&mut other_client, &mut other_server).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_protocol_loses_the_link() {
    let mut violations = violations();
    violations.extend::<[(_, _, Expected); 3]>([
        ("a huge packet", vec![Text(FRAME_HEADER), Binary(huge())], |reason| {
            matches!(reason, CloseReason::Violation(Violation::TooLong))
        }),
        ("a second CONNECT", vec![Text("40{}")], |reason| {
            matches!(reason, CloseReason::Violation(Violation::Misplaced(_)))
        }),
        ("an acknowledgement", vec![Text("431[]")], |reason| {
            matches!(reason, CloseReason::Violation(Violation::Misplaced(_)))
        }),
    ]);
    for (what, acts, expected) in violations {
        let (mut server, client) = FakeServer::with_link(&Settings::default()).await;
        let acting = async {
            for act in acts {
                match act {
                    Text(text) => server.text(text).await,
                    Binary(bytes) => server.binary(bytes).await,
                }
            }
            while server.next().await.is_some() {}
        };
        let ((), reason) = tokio::join!(acting, client.arrivals.closed());
        assert!(expected(&reason), "{what}: {reason:?}");
        assert!(client.sender.send(&Message::new(0, 0)).is_err(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_before_a_violation_are_delivered_and_none_after_it() {
    let world = LinkServer::new();
    let (mut peer, server) = world.raw_link().await;
    peer.frame(good_frame()).await;
    peer.text("42[\"other\"]").await;
    peer.frame(good_frame()).await;
    let (messages, reason) = server.arrivals.rest().await;
    assert_eq!(messages, [Message::new(1, 1)]);
    assert!(not_a_frame(&reason), "{reason:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_sent_before_the_admission_arrive_in_order_or_not_at_all() {
    let world = LinkServer::with(patient(), 64 << 10);
    for _ in 0..100 {
        let mut peer = RawPeer::over(world.network.dial()).await;
        peer.text(r#"40{"secret":"right"}"#).await;
        for number in 0..5 {
            peer.frame(frame_of(&Message::new(7, number))).await;
        }
    }
    // socketioxide ends a connection if a frame arrives before its socket exists; such a link
    // may never open.
    let next_link = || timeout(Duration::from_millis(100), world.acceptor.next_link());
    while let Ok(server) = next_link().await {
        let (messages, _) = server.arrivals.rest().await;
        let numbers: Vec<u32> = messages.iter().map(|message| message.number).collect();
        assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
    }
}
