//! A recording handler, and its record.

use std::time::Duration;

use link::{CloseReason, Handler};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Message;

/// Longer than any step of these tests, in real and in paused time.
const PATIENCE: Duration = Duration::from_secs(60);

enum Arrival {
    Messages(Vec<Message>),
    Closed(CloseReason),
}

/// Records the messages and the end of a link.
pub(crate) struct Recorder(mpsc::UnboundedSender<Arrival>);

/// The record of a link.
pub(crate) struct Arrivals {
    events: mpsc::UnboundedReceiver<Arrival>,
    pending: std::collections::VecDeque<Message>,
    pub(crate) batches: usize,
}

impl Recorder {
    pub(crate) fn new() -> (Self, Arrivals) {
        let (sender, events) = mpsc::unbounded_channel();
        (Self(sender), Arrivals { events, pending: Default::default(), batches: 0 })
    }
}

impl Handler<Message> for Recorder {
    fn messages(&mut self, batch: Vec<Message>) {
        // A test that needs no more arrivals has dropped the other half.
        let _ = self.0.send(Arrival::Messages(batch));
    }

    fn closed(&mut self, reason: CloseReason) {
        let _ = self.0.send(Arrival::Closed(reason));
    }
}

impl Arrivals {
    async fn next(&mut self) -> Option<Arrival> {
        timeout(PATIENCE, self.events.recv()).await.expect("something happens before patience ends")
    }

    pub(crate) async fn next_message(&mut self) -> Message {
        loop {
            if let Some(message) = self.pending.pop_front() {
                return message;
            }
            match self.next().await {
                Some(Arrival::Messages(batch)) => {
                    assert!(!batch.is_empty(), "a batch holds at least one message");
                    self.batches += 1;
                    self.pending.extend(batch);
                }
                Some(Arrival::Closed(reason)) => panic!("the link closed: {reason}"),
                None => panic!("the handler was dropped"),
            }
        }
    }

    /// The remaining messages, and the reason for the end. Asserts that the end comes once, and
    /// last.
    pub(crate) async fn rest(mut self) -> (Vec<Message>, CloseReason) {
        let mut messages = Vec::from(self.pending.split_off(0));
        let reason = loop {
            match self.next().await {
                Some(Arrival::Messages(batch)) => messages.extend(batch),
                Some(Arrival::Closed(reason)) => break reason,
                None => panic!("the handler was dropped before it heard of the end"),
            }
        };
        assert!(
            self.next().await.is_none(),
            "nothing comes after the end, and the handler is let go of"
        );
        (messages, reason)
    }

    /// Why the link closed. Asserts that the end comes once, and last.
    pub(crate) async fn closed(self) -> CloseReason {
        self.rest().await.1
    }
}
