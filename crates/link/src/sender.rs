//! Sender and handler: the two halves of a link as their owner sees them, the same on both ends.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use crate::outbox::{Hold, Outbox};
use crate::reason::{CloseReason, Closed};

/// Sends messages on a link; cheap to clone, and never waits.
///
/// Messages leave in the order in which `send` was called, whichever clone it was called on. A link does not close
/// because its senders are dropped.
pub struct Sender<Out> {
    outbox: Arc<Outbox>,
    messages: PhantomData<fn(&Out)>,
}

impl<Out> Sender<Out> {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, messages: PhantomData }
    }

    /// Lets messages gather as long as what it returns lives, so that they share a frame.
    ///
    /// A frame that is full is sent nevertheless.
    pub fn hold(&self) -> Hold {
        self.outbox.hold()
    }

    /// Closes the link once everything sent before has been written, or the write deadline has passed.
    ///
    /// `reason` is for this side's handler and log; the peer learns only that it was closed. A second call does nothing.
    pub fn close(&self, reason: impl Into<String>) {
        self.outbox.end_after_flush(CloseReason::Local(reason.into()));
    }
}

impl<Out: Serialize> Sender<Out> {
    /// Sends a message, behind all that were sent before.
    ///
    /// Success means that it was queued: it arrives unless the link closes first. Of 3 MiB or less, a message always fits
    /// into a frame.
    ///
    /// # Errors
    ///
    /// When the link is closed, or closes because of this message: the queue is full, or the message cannot be sent.
    pub fn send(&self, message: &Out) -> Result<(), Closed> {
        self.outbox.send(message)
    }

    /// Sends a message as [`send`](Self::send) does, in a frame that holds nothing else.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_alone(&self, message: &Out) -> Result<(), Closed> {
        self.outbox.send_alone(message)
    }
}

impl<Out> Clone for Sender<Out> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.outbox))
    }
}

impl<Out> fmt::Debug for Sender<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Takes what a link brings.
///
/// It is called from the task that reads the link, and pongs and all that is sent wait for it: what takes long belongs into a
/// queue of its own. It may call any [`Sender`], that of its own link too.
pub trait Handler<In>: Send + 'static {
    /// Messages of one frame, at least one, in the order in which they were sent. A client end hands over a long frame in
    /// parts, and lets others run in between.
    fn messages(&mut self, batch: Vec<In>);

    /// A frame cannot be decoded: none of its messages was handed over, nor will any be that come behind it. The link closes
    /// with that reason, though the handler may close it with another one, once what it sends now is written.
    fn undecodable(&mut self) {}

    /// The link is closed. Called exactly once, and last; not at all if the runtime is shut down while the link lives.
    fn closed(&mut self, reason: CloseReason);
}

impl<In, H: Handler<In> + ?Sized> Handler<In> for Box<H>
where
    Self: 'static,
{
    fn messages(&mut self, batch: Vec<In>) {
        (**self).messages(batch);
    }

    fn undecodable(&mut self) {
        (**self).undecodable();
    }

    fn closed(&mut self, reason: CloseReason) {
        (**self).closed(reason);
    }
}
