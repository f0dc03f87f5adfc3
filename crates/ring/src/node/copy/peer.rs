//! The other copy, as this one knows it: the link to its node, and what outlives that.

use protocol::id::{Incarnation, Seq};
use protocol::message::Greeting;

use crate::link::LinkId;

/// What a copy knows of the other one.
#[derive(Debug, Default)]
pub(super) struct Peer {
    linked: Option<PeerLink>,
    /// The last entry that a copy of this incarnation was heard to have made durable. It stays true
    /// without a link.
    durable: Option<(Incarnation, Seq)>,
}

/// A link to the other copy.
#[derive(Debug)]
pub(super) struct PeerLink {
    pub(super) link: LinkId,
    /// The data of the node at its other end.
    pub(super) incarnation: Incarnation,
    /// How far the other copy was when it said so last, unless a session was begun with that: a
    /// greeting begins one.
    pub(super) greeting: Option<Greeting>,
}

impl Peer {
    /// A new link is up. It takes the place of one before, which is returned.
    pub(super) fn link(&mut self, link: LinkId, incarnation: Incarnation) -> Option<LinkId> {
        let linked = PeerLink { link, incarnation, greeting: None };
        self.linked.replace(linked).map(|before| before.link)
    }

    /// The link is gone.
    pub(super) fn unlink(&mut self) {
        self.linked = None;
    }

    pub(super) fn linked(&self) -> Option<&PeerLink> {
        self.linked.as_ref()
    }

    pub(super) fn is(&self, link: LinkId) -> bool {
        self.linked.as_ref().is_some_and(|linked| linked.link == link)
    }

    /// The other copy says how far it is.
    pub(super) fn greeted(&mut self, greeting: Greeting) {
        if let Some(linked) = &mut self.linked {
            linked.greeting = Some(greeting);
        }
    }

    /// A session is begun with the greeting.
    pub(super) fn greeting_is_used(&mut self) {
        if let Some(linked) = &mut self.linked {
            linked.greeting = None;
        }
    }

    /// A copy of this incarnation is known to have made durable what is up to this entry; less than
    /// before where it begins anew.
    pub(super) fn set_durable(&mut self, incarnation: Incarnation, seq: Seq) {
        self.durable = Some((incarnation, seq));
    }

    /// The last entry that the other copy is known to have made durable, if it is that incarnation.
    pub(super) fn durable_at(&self, incarnation: Incarnation) -> Seq {
        match self.durable {
            Some((known, seq)) if known == incarnation => seq,
            Some(_) | None => Seq::ZERO,
        }
    }
}
