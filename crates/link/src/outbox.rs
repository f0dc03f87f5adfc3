//! Outbox: the messages waiting on one link, and whether the link still lives.
//!
//! ```text
//!  Sender::send ─► frame in the making ─full─► full frames ─next()─► in flight ─written─► gone
//!                         └─────────── taken early by next() ──────────┘
//! ```
//!
//! Senders put messages in and never wait; one writer takes frames out. While frames are in
//! flight, messages gather, so a busier link has longer batches.
//!
//! Invariants:
//!
//! - At most [`FRAMES_IN_FLIGHT_MAX`] frames are in flight.
//! - A full frame ends the link if it takes the bytes of full and in-flight frames over the
//!   limit.
//! - The first reason to end is the reason for everybody.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use port::lock;
use protocol::frame::{FRAME_BYTES_MAX, FrameBuilder};
use protocol::version::Version;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::frame::Frame;
use crate::reason::{CloseReason, Closed, Unsendable};
use crate::settings::Settings;

/// One frame is being written while the next one waits. More in flight would only make batches
/// shorter.
const FRAMES_IN_FLIGHT_MAX: usize = 2;

/// The messages waiting on one link.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer. There is only one.
    wake: Notify,
    ended: CancellationToken,
    /// Cancelled when the link ends without writing the messages that still wait.
    dropped: CancellationToken,
    frame_bytes_full: usize,
    queue_bytes_max: usize,
    turns_before_frame: u32,
}

#[derive(Debug)]
struct State {
    making: FrameBuilder,
    /// While there are holds, the writer is not woken for the frame in the making.
    holds: usize,
    full: VecDeque<Bytes>,
    frames_in_flight: usize,
    /// The number of the next frame.
    next_number: u64,
    /// The bytes of `full` and of the frames in flight.
    queued_bytes: usize,
    /// Why the link is about to end. It replaces the reason of the end, from any caller.
    cause: Option<CloseReason>,
    end: Option<End>,
}

impl State {
    /// Ends the link; the first reason counts.
    fn end(&mut self, reason: CloseReason, delivery: Delivery) -> &mut End {
        let reason = self.cause.take().unwrap_or(reason);
        self.end.get_or_insert(End { reason, delivery })
    }
}

#[derive(Debug)]
struct End {
    reason: CloseReason,
    delivery: Delivery,
}

/// The fate of the messages sent before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// They are written first.
    Flush,
    /// They are dropped.
    Drop,
}

impl Outbox {
    /// An empty outbox, for a link with these settings and this version of the protocol.
    pub(crate) fn new(settings: &Settings, version: Version) -> Arc<Self> {
        let state = State {
            making: FrameBuilder::new(version),
            holds: 0,
            full: VecDeque::new(),
            frames_in_flight: 0,
            next_number: 0,
            queued_bytes: 0,
            cause: None,
            end: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            wake: Notify::new(),
            ended: CancellationToken::new(),
            dropped: CancellationToken::new(),
            frame_bytes_full: settings.frame_bytes_full,
            queue_bytes_max: settings.queue_bytes_max,
            turns_before_frame: settings.turns_before_frame,
        })
    }

    /// Adds a message behind all others.
    ///
    /// # Errors
    ///
    /// When the link has ended, or ends because of this message.
    pub(crate) fn send<M: Serialize>(&self, message: &M) -> Result<(), Closed> {
        let mut state = lock(&self.state);
        let was_empty = state.making.is_empty();
        self.add_or_end(&mut state, |outbox, state| outbox.add(state, message))?;
        // In the other cases the writer was woken earlier and has not run since, or waits for
        // frames in flight.
        if was_empty && state.holds == 0 || state.making.is_empty() {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Adds a message behind all others, in a frame of its own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub(crate) fn send_alone<M: Serialize>(&self, message: &M) -> Result<(), Closed> {
        let mut state = lock(&self.state);
        self.add_or_end(&mut state, |outbox, state| {
            outbox.finish_frame(state)?;
            outbox.add(state, message)?;
            outbox.finish_frame(state)
        })?;
        self.wake.notify_one();
        Ok(())
    }

    fn add_or_end(
        &self,
        state: &mut MutexGuard<'_, State>,
        add: impl FnOnce(&Self, &mut State) -> Result<(), CloseReason>,
    ) -> Result<(), Closed> {
        if let Some(end) = &state.end {
            return Err(Closed(end.reason.clone()));
        }
        add(self, &mut *state).map_err(|reason| Closed(self.end_now(state, reason)))
    }

    /// Lets messages gather: for a frame that is not full, the writer is not woken before the
    /// last hold is dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        let mut state = lock(&self.state);
        state.holds = state.holds.saturating_add(1);
        Hold(Arc::clone(self))
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "each hold was counted, and is dropped once"
    )]
    fn release(&self) {
        let mut state = lock(&self.state);
        state.holds -= 1;
        if state.holds == 0 && !state.making.is_empty() {
            self.wake.notify_one();
        }
    }

    fn add<M: Serialize>(&self, state: &mut State, message: &M) -> Result<(), CloseReason> {
        state
            .making
            .push(message)
            .map_err(|error| Unsendable::NotSerializable(error.to_string()))?;
        let is_full = state.making.size_bytes() >= self.frame_bytes_full;
        if is_full { self.finish_frame(state) } else { Ok(()) }
    }

    /// Queues the frame in the making, if there is one, as if it were full.
    fn finish_frame(&self, state: &mut State) -> Result<(), CloseReason> {
        if state.making.is_empty() {
            return Ok(());
        }
        let frame = state.making.finish();
        if frame.len() > FRAME_BYTES_MAX {
            return Err(Unsendable::TooLong(frame.len()).into());
        }
        state.queued_bytes = state.queued_bytes.saturating_add(frame.len());
        state.full.push_back(frame);
        if state.queued_bytes > self.queue_bytes_max {
            return Err(CloseReason::QueueFull { limit: self.queue_bytes_max, unit: "bytes" });
        }
        Ok(())
    }

    /// The next frame to write, as soon as there is one and few enough are in flight; none
    /// after the end.
    ///
    /// The frame is in flight until its bytes are dropped. After an orderly end, the frames
    /// sent before it still come. It returns none once all of them were written. Safe to
    /// cancel.
    pub(crate) async fn next(self: &Arc<Self>) -> Option<Frame> {
        loop {
            match self.take() {
                Taken::Frame(frame) => return Some(frame),
                Taken::Nothing => return None,
                Taken::Later => {
                    self.wake.notified().await;
                    // Other tasks that are ready send first, so that one frame takes the
                    // messages of all.
                    for _ in 0..self.turns_before_frame {
                        yield_now().await;
                    }
                }
            }
        }
    }

    fn take(self: &Arc<Self>) -> Taken {
        let mut state = lock(&self.state);
        if state.end.as_ref().is_some_and(|end| end.delivery == Delivery::Drop) {
            return Taken::Nothing;
        }
        if state.frames_in_flight < FRAMES_IN_FLIGHT_MAX
            && let Some(frame) = state.pop()
        {
            state.frames_in_flight = state.frames_in_flight.saturating_add(1);
            let number = state.next_number;
            state.next_number = state.next_number.wrapping_add(1);
            let bytes = Bytes::from_owner(InFlight { frame, outbox: Arc::clone(self) });
            return Taken::Frame(Frame { number, bytes });
        }
        if state.end.is_some() && state.frames_in_flight == 0 {
            Taken::Nothing
        } else {
            Taken::Later
        }
    }

    /// Ends the link once everything sent before is written. Returns the reason that counts:
    /// the first.
    pub(crate) fn end_after_flush(&self, reason: CloseReason) -> CloseReason {
        let mut state = lock(&self.state);
        let reason = state.end(reason, Delivery::Flush).reason.clone();
        self.tell_end();
        reason
    }

    /// Announces the reason of an end that is near. The handler is informed next; it may still
    /// send messages, and end the link with another reason. The announced reason counts all the
    /// same.
    pub(crate) fn will_end(&self, cause: CloseReason) {
        lock(&self.state).cause = Some(cause);
    }

    /// Ends the link and drops the unwritten frames. Returns the reason that counts: the first.
    pub(crate) fn end(&self, reason: CloseReason) -> CloseReason {
        self.end_now(&mut lock(&self.state), reason)
    }

    fn end_now(&self, state: &mut MutexGuard<'_, State>, reason: CloseReason) -> CloseReason {
        let _ = state.making.finish();
        state.full.clear();
        let end = state.end(reason, Delivery::Drop);
        end.delivery = Delivery::Drop;
        let reason = end.reason.clone();
        self.dropped.cancel();
        self.tell_end();
        reason
    }

    fn tell_end(&self) {
        self.ended.cancel();
        self.wake.notify_one();
    }

    /// Returns when there is nothing left to wait for: the link ended with nothing to be
    /// flushed, or it ended `flush_deadline` ago. Safe to cancel.
    pub(crate) async fn ended_for(&self, flush_deadline: Duration) {
        self.ended.cancelled().await;
        // In either case it is over.
        let _ = timeout(flush_deadline, self.dropped.cancelled()).await;
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "each frame in flight was counted with its bytes, and is dropped once"
    )]
    fn written(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.frames_in_flight -= 1;
        state.queued_bytes -= bytes;
        drop(state);
        self.wake.notify_one();
    }
}

impl State {
    fn pop(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.full.pop_front() {
            return Some(frame);
        }
        if self.making.is_empty() {
            return None;
        }
        let frame = self.making.finish();
        self.queued_bytes = self.queued_bytes.saturating_add(frame.len());
        Some(frame)
    }
}

enum Taken {
    Frame(Frame),
    /// Wait until woken.
    Later,
    /// The link has ended.
    Nothing,
}

/// A frame whose drop tells the outbox that it was written, or never will be.
///
/// The websocket layer of either end copies a frame into its write buffer, of about a hundred
/// KiB, and drops the frame then. It takes no frame while the buffer is over-full. So a drop is
/// the only signal that works on both ends: socketioxide has no way to wait for room in its
/// queue.
struct InFlight {
    frame: Bytes,
    outbox: Arc<Outbox>,
}

impl AsRef<[u8]> for InFlight {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.outbox.written(self.frame.len());
    }
}

/// Messages gather while it lives.
///
/// For a caller about to send several messages from another thread than the writer's. Without
/// it, the first message would wake the writer, and the writer would send it alone.
#[derive(Debug)]
#[must_use = "messages gather as long as it lives"]
pub struct Hold(Arc<Outbox>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Ends the link when dropped, so that no task can vanish while senders still believe in the
/// link.
#[derive(Debug)]
pub(crate) struct EndOnDrop(pub(crate) Arc<Outbox>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(CloseReason::Local("the link was dropped".to_owned()));
    }
}
