//! Acceptors: who is let in, and what becomes of them.

use std::fmt;

use protocol::refusal::Refusal;
use protocol::version::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::observer::Observer;
use crate::sender::{Handler, Sender};

/// Makes the handler of a link that is open now; what it sends is what the peer hears first.
pub type OpenLink<Out, In> = Box<dyn FnOnce(Sender<Out>) -> Box<dyn Handler<In>> + Send>;

/// Takes an observer that is connected now.
pub type OpenObserver = Box<dyn FnOnce(Observer) + Send>;

/// Decides who is let in.
pub trait Acceptor: Send + Sync + 'static {
    /// What is sent on the links that it admits.
    type Out: Serialize + 'static;
    /// What is received on them.
    type In: DeserializeOwned + 'static;

    /// Decides from the `auth` of a CONNECT packet, which is null if there is none; must not block.
    ///
    /// # Errors
    ///
    /// A refusal, which is what the peer is told.
    fn admit(&self, auth: &serde_json::Value) -> Result<Admission<Self::Out, Self::In>, Refusal>;
}

/// Someone who is let in.
///
/// What is to happen next is a closure, called at most once: it is dropped instead when the peer goes away first.
pub enum Admission<Out, In> {
    /// A peer with which messages are exchanged.
    Link {
        /// Who it is, for the log.
        peer: String,
        /// The version of the protocol that both speak.
        version: Version,
        /// Called once the link is open.
        open: OpenLink<Out, In>,
    },
    /// Someone's own socket.io client, which is told of events.
    Observer(OpenObserver),
}

impl<Out, In> Admission<Out, In> {
    /// Admits a peer: `open` makes its handler, `peer` says in the log who it is, `version` is that of the protocol to
    /// use with it.
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
