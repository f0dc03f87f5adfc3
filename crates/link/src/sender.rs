//! Sender and handler: the owner's two halves of a link, the same on both ends.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use crate::outbox::{Hold, Outbox};
use crate::reason::{CloseReason, Closed};

/// Sends messages on a link; cheap to clone, and never waits.
///
/// Messages leave in the order of the calls of `send`, over all clones. Dropping every sender
/// does not close the link.
pub struct Sender<Out> {
    outbox: Arc<Outbox>,
    messages: PhantomData<fn(&Out)>,
}

impl<Out> Sender<Out> {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, messages: PhantomData }
    }

    /// Lets messages gather for the lifetime of the returned hold, so that they share a frame.
    ///
    /// A full frame is sent all the same.
    pub fn hold(&self) -> Hold {
        self.outbox.hold()
    }

    /// Closes the link once everything sent before has been written, or the write deadline has
    /// passed.
    ///
    /// `reason` is for this side's handler and log; the peer learns only of the close. A second
    /// call does nothing.
    pub fn close(&self, reason: impl Into<String>) {
        self.outbox.end_after_flush(CloseReason::Local(reason.into()));
    }
}

impl<Out: Serialize> Sender<Out> {
    /// Sends a message, behind all earlier ones.
    ///
    /// Success means that it was queued: it arrives unless the link closes first. A message of
    /// 3 MiB or less always fits into a frame.
    ///
    /// # Errors
    ///
    /// When the link is closed, or closes because of this message: the queue is full, or the
    /// message cannot be sent.
    pub fn send(&self, message: &Out) -> Result<(), Closed> {
        self.outbox.send(message)
    }

    /// Sends a message as [`send`](Self::send) does, in a frame of its own.
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

/// Receives the messages of a link.
///
/// The task that reads the link calls it. Pongs and outgoing messages wait for it, so long work
/// belongs in a queue of its own. It may call any [`Sender`], its own link's too.
pub trait Handler<In>: Send + 'static {
    /// Delivers messages of one frame, at least one, in the order of sending. A client end
    /// delivers a long frame in parts, and lets other tasks run in between.
    fn messages(&mut self, batch: Vec<In>);

    /// A frame cannot be decoded. None of its messages was delivered, and no later message will
    /// be. The link closes once the handler's messages of this call are written. The reason is
    /// the violation, even if the handler closes the link with another one.
    fn undecodable(&mut self) {}

    /// The link is closed. Called exactly once, and last; not at all if the runtime is shut
    /// down while the link lives.
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
