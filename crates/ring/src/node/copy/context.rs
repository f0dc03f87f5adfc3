//! What a copy is handed with every event: the moment, its storage, and where its effects go.

use protocol::entry::Answer;
use protocol::id::GatewayBoot;
use protocol::message::{CallId, CopyMessage, FromNode, Reply};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::Member;

use crate::link::LinkId;
use crate::node::effect::{NodeEffect, StopReason};
use crate::store::{Mark, Mutation, ReadError, ReadId, ReadWhat, Stored};
use crate::time::Time;

/// The gateway's link, once its welcome has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GatewayLink {
    /// The link.
    pub(crate) link: LinkId,
    /// The gateway's start.
    pub(crate) boot: GatewayBoot,
}

/// What a copy is handed with every event.
pub(crate) struct Context<'a> {
    /// When it happens.
    pub(crate) now: Time,
    /// What of the storage is at hand.
    pub(crate) stored: &'a dyn Stored,
    /// The welcomed link to the gateway, if there is one.
    pub(crate) gateway: Option<GatewayLink>,
    pub(crate) mark: &'a mut Mark,
    pub(crate) read: &'a mut ReadId,
    pub(crate) effects: &'a mut Vec<NodeEffect>,
}

/// An event that a node cannot go on from as if nothing were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The peer of a link broke the protocol, or is not the right one: drop the link.
    Drop(LinkId, Refusal),
    /// The node has to stop.
    Stop(StopReason),
    /// A row of the copy at work is not what was written.
    Damaged(String),
}

impl Fault {
    /// The peer of a link broke the protocol.
    pub(crate) fn protocol_error(link: LinkId, detail: impl Into<String>) -> Self {
        Self::Drop(link, Refusal::new(RefusalCode::ProtocolError, detail))
    }
}

/// A frame of a peer cannot be decoded.
pub(crate) fn undecodable() -> Refusal {
    Refusal::new(RefusalCode::ProtocolError, "a frame cannot be decoded")
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Failed(_) => Self::Stop(StopReason::Storage(error)),
            ReadError::Damaged(what) => Self::Damaged(what),
        }
    }
}

impl Context<'_> {
    /// Writes; the mark is that of the write.
    pub(crate) fn write(&mut self, mutation: Mutation) -> Mark {
        *self.mark = self.mark.next();
        self.effects.push(NodeEffect::Write { mark: *self.mark, mutation });
        *self.mark
    }

    /// Reads of a copy; what was read comes with an event of that number.
    pub(crate) fn read(&mut self, member: Member, what: ReadWhat) -> ReadId {
        *self.read = self.read.next();
        self.effects.push(NodeEffect::Read { read: *self.read, member, what });
        *self.read
    }

    /// Sends to the gateway, if it is there.
    pub(crate) fn tell_gateway(&mut self, message: FromNode) {
        if let Some(GatewayLink { link, .. }) = self.gateway {
            self.effects.push(NodeEffect::ToGateway { link, message });
        }
    }

    /// Replies to a request of the gateway.
    pub(crate) fn reply(&mut self, call: CallId, reply: Reply) {
        self.tell_gateway(FromNode::Reply { call, reply });
    }

    /// Releases an answer.
    pub(crate) fn answer(&mut self, call: CallId, answer: Answer) {
        self.reply(call, Reply::Done(answer));
    }

    /// Sends to the copy that a neighbour holds.
    pub(crate) fn tell_copy(&mut self, to: Member, link: LinkId, message: CopyMessage) {
        self.effects.push(NodeEffect::ToNeighbour { to, link, message });
    }

    /// Tells the operator of what needs an eye on it.
    pub(crate) fn alarm(&mut self, what: String) {
        self.effects.push(NodeEffect::Alarm(what));
    }

    /// The last write.
    pub(crate) fn last_write(&self) -> Mark {
        *self.mark
    }

    /// A fault of the gateway.
    pub(crate) fn gateway_fault(&self, detail: impl Into<String>) -> Fault {
        match self.gateway {
            Some(GatewayLink { link, .. }) => Fault::protocol_error(link, detail),
            None => unreachable!("requests come over a welcomed link"),
        }
    }
}
