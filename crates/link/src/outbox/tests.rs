//! The outbox alone: batches, bounds and ends.

use super::*;
use futures_util::FutureExt;
use protocol::frame::{FRAME_BYTES_FULL, decode};

const LIMIT: usize = 4 << 20;
const USED: Version = Version(6);

fn outbox() -> Arc<Outbox> {
    Outbox::new(&Settings { queue_bytes_max: LIMIT, ..Settings::default() }, USED)
}

fn reason(words: &str) -> CloseReason {
    CloseReason::Local(words.to_owned())
}

fn next(outbox: &Arc<Outbox>) -> Option<Option<Frame>> {
    outbox.next().now_or_never()
}

fn numbers(frame: &Frame) -> Vec<u32> {
    decode(USED, &frame.bytes).expect("a frame of numbers")
}

#[test]
fn messages_gather_while_two_frames_are_in_flight() {
    let outbox = outbox();
    assert_eq!(next(&outbox), None);
    outbox.send(&1u32).expect("open");
    let first = next(&outbox).flatten().expect("a frame");
    outbox.send(&2u32).expect("open");
    let second = next(&outbox).flatten().expect("a frame");
    outbox.send(&3u32).expect("open");
    outbox.send(&4u32).expect("open");
    assert_eq!(next(&outbox), None, "two are in flight");
    drop(first);
    assert_eq!(numbers(&second), [2]);
    assert_eq!(numbers(&next(&outbox).flatten().expect("a frame")), [3, 4]);
}

#[tokio::test]
async fn the_writer_is_not_woken_before_the_last_hold_is_dropped() {
    let outbox = outbox();
    let writer = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.next().await }
    });
    yield_now().await;
    let holds = [outbox.hold(), outbox.hold()];
    for (number, hold) in holds.into_iter().enumerate() {
        outbox.send(&(number as u32)).expect("open");
        settle().await;
        assert!(!writer.is_finished(), "there are holds");
        drop(hold);
    }
    let frame = writer.await.expect("no panic").expect("a frame");
    assert_eq!(numbers(&frame), [0, 1]);
}

#[tokio::test]
async fn a_full_frame_is_not_held() {
    let outbox = outbox();
    let _hold = outbox.hold();
    let message = vec![7u32; FRAME_BYTES_FULL];
    let send = async { outbox.send(&message) };
    let (frame, sent) = tokio::join!(outbox.next(), send);
    assert_eq!((frame.map(|frame| frame.number), sent), (Some(0), Ok(())));
}

/// Lets other tasks run until they wait.
async fn settle() {
    for _ in 0..8 {
        yield_now().await;
    }
}

#[test]
fn an_orderly_end_comes_after_all_frames_were_written() {
    let outbox = outbox();
    outbox.send(&1u32).expect("open");
    assert_eq!(outbox.end_after_flush(reason("done")), reason("done"));
    assert_eq!(outbox.send(&2u32), Err(Closed(reason("done"))));
    let frame = next(&outbox).flatten().expect("a frame");
    assert_eq!(next(&outbox), None, "one is in flight");
    drop(frame);
    assert_eq!(next(&outbox), Some(None));
}

#[test]
fn a_hard_end_drops_what_waits_and_keeps_the_first_reason() {
    let outbox = outbox();
    outbox.send(&1u32).expect("open");
    let _in_flight = next(&outbox).flatten().expect("a frame");
    outbox.send(&2u32).expect("open");
    outbox.end_after_flush(reason("first"));
    assert_eq!(outbox.end(reason("second")), reason("first"));
    assert_eq!(next(&outbox), Some(None));
}

#[test]
fn more_bytes_than_the_limit_end_the_link_with_a_reason_that_says_so() {
    let outbox = outbox();
    let message = vec![7u8; FRAME_BYTES_FULL];
    let sent = (0..100).map_while(|_| outbox.send(&message).ok()).count();
    assert_eq!(sent, LIMIT / FRAME_BYTES_FULL - 1, "each frame is a little above its share");
    let closed = outbox.send(&message).expect_err("closed");
    assert_eq!(closed.0, CloseReason::QueueFull { limit: LIMIT, unit: "bytes" });
    assert_eq!(next(&outbox), Some(None));
}

#[test]
fn written_bytes_make_room() {
    let outbox = outbox();
    let message = vec![7u8; FRAME_BYTES_FULL];
    for _ in 0..20 {
        outbox.send(&message).expect("room");
        drop(next(&outbox).flatten().expect("a frame"));
    }
    assert_eq!(lock(&outbox.state).queued_bytes, 0);
}

#[test]
fn a_message_that_no_peer_would_take_ends_the_link() {
    let outbox = outbox();
    let message = vec![7u8; FRAME_BYTES_MAX];
    let closed = outbox.send(&message).expect_err("too long");
    assert!(matches!(closed.0, CloseReason::Unsendable(Unsendable::TooLong(_))), "{closed}");
}

#[test]
fn a_message_that_is_sent_alone_shares_its_frame_with_none_before_and_none_behind() {
    let outbox = outbox();
    outbox.send(&1u32).expect("open");
    outbox.send(&2u32).expect("open");
    outbox.send_alone(&3u32).expect("open");
    outbox.send(&4u32).expect("open");
    let mut frames = Vec::new();
    while let Some(frame) = next(&outbox).flatten() {
        frames.push(numbers(&frame));
    }
    assert_eq!(frames, [vec![1, 2], vec![3], vec![4]]);
}
