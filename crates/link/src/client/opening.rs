//! Opening: a link agreed by the peer, without a handler for its messages yet.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tracing::{Instrument, info_span};

use super::session::Session;
use super::task;
use crate::outbox::{EndOnDrop, Outbox};
use crate::sender::{Handler, Sender};
use crate::settings::Settings;

/// A link agreed by the peer, without a handler yet.
///
/// No message is lost before [`open`](Self::open), because nothing is read. But pings are not
/// answered either, so call it soon. Dropping an `Opening` closes the connection.
pub struct Opening<Out, In> {
    session: Session,
    outbox: EndOnDrop,
    settings: Settings,
    messages: PhantomData<fn(Out) -> In>,
}

impl<Out, In> Opening<Out, In> {
    pub(super) fn new(session: Session, outbox: Arc<Outbox>, settings: Settings) -> Self {
        Self { session, outbox: EndOnDrop(outbox), settings, messages: PhantomData }
    }

    /// The sender of the link. Its messages leave once the link is opened.
    pub fn sender(&self) -> Sender<Out> {
        Sender::new(Arc::clone(&self.outbox.0))
    }
}

impl<Out: 'static, In: DeserializeOwned + Send + 'static> Opening<Out, In> {
    /// Opens the link. Until it closes, a task delivers its messages to `handler` and writes
    /// the messages of its senders.
    ///
    /// `peer` names the other end in the log, for example `db-1`.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(self, peer: &str, handler: impl Handler<In>) -> Sender<Out> {
        let sender = self.sender();
        let span = info_span!(parent: None, "link", link = self.session.open.sid(), peer);
        let task = task::run(self.session, self.outbox, handler, self.settings);
        tokio::spawn(task.instrument(span));
        sender
    }
}

impl<Out, In> fmt::Debug for Opening<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("link", &self.session.open.sid()).finish_non_exhaustive()
    }
}
