//! Acceptors: the decision about admission, and the next step after it.

use std::fmt;

use protocol::refusal::Refusal;
use protocol::version::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::observer::Observer;
use crate::sender::{Handler, Sender};

/// Makes the handler of a link that has just opened. The first messages to the peer are those
/// sent here.
pub type OpenLink<Out, In> = Box<dyn FnOnce(Sender<Out>) -> Box<dyn Handler<In>> + Send>;

/// Takes an observer that has just connected.
pub type OpenObserver = Box<dyn FnOnce(Observer) + Send>;

/// Decides about the admission of peers.
pub trait Acceptor: Send + Sync + 'static {
    /// The type of the messages sent on the admitted links.
    type Out: Serialize + 'static;
    /// The type of the messages received on them.
    type In: DeserializeOwned + 'static;

    /// Decides from the `auth` of a CONNECT packet, or from null if there is none. Must not
    /// block.
    ///
    /// # Errors
    ///
    /// A refusal; the peer is told of it.
    fn admit(&self, auth: &serde_json::Value) -> Result<Admission<Self::Out, Self::In>, Refusal>;
}

/// An admitted peer or observer.
///
/// The next step is a closure, called at most once. If the peer goes away first, the closure is
/// dropped uncalled.
pub enum Admission<Out, In> {
    /// A peer for the exchange of messages.
    Link {
        /// The name of the peer in the log.
        peer: String,
        /// The version of the protocol that both speak.
        version: Version,
        /// Called once the link is open.
        open: OpenLink<Out, In>,
    },
    /// A user's own socket.io client; it receives events.
    Observer(OpenObserver),
}

impl<Out, In> Admission<Out, In> {
    /// Admits a peer: `open` makes its handler, `peer` is its name in the log, `version` is the
    /// version of the protocol to use with it.
    pub fn link<H: Handler<In>>(
        peer: impl Into<String>,
        version: Version,
        open: impl FnOnce(Sender<Out>) -> H + Send + 'static,
    ) -> Self {
        Self::Link { peer: peer.into(), version, open: Box::new(|sender| Box::new(open(sender))) }
    }

    /// Admits an observer.
    pub fn observer(open: impl FnOnce(Observer) + Send + 'static) -> Self {
        Self::Observer(Box::new(open))
    }
}

impl<Out, In> fmt::Debug for Admission<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { peer, .. } => {
                f.debug_struct("Link").field("peer", peer).finish_non_exhaustive()
            }
            Self::Observer(_) => f.debug_tuple("Observer").finish_non_exhaustive(),
        }
    }
}
