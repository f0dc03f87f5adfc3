//! The requests between the gateway and its nodes.

use std::collections::BTreeMap;

use protocol::id::RequestId;
use protocol::message::{CallId, Operation, Request, ToNode};
use ring_core::link::LinkId;

/// The requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// The requests delivered over each link without a reply yet.
    open: BTreeMap<(LinkId, CallId), Request>,
    /// How many times each update was sent.
    sent_updates: BTreeMap<RequestId, u32>,
}

impl Requests {
    /// The gateway sends a message.
    pub(crate) fn sent(&mut self, message: &ToNode) {
        if let ToNode::Request(Request { operation: Operation::Update(update), .. }) = message {
            *self.sent_updates.entry(update.request).or_default() += 1;
        }
    }

    /// A node receives a message.
    pub(crate) fn delivered(&mut self, link: LinkId, message: &ToNode) {
        if let ToNode::Request(request) = message {
            self.open.insert((link, request.call), request.clone());
        }
    }

    /// A node replies.
    pub(crate) fn replied(&mut self, link: LinkId, call: CallId) -> Option<Request> {
        self.open.remove(&(link, call))
    }

    /// The gateway died. Nobody waits for a reply.
    pub(crate) fn abandon_open(&mut self) {
        self.open.clear();
    }

    /// How many updates were sent again.
    pub(crate) fn resent(&self) -> u64 {
        self.sent_updates.values().filter(|count| **count > 1).count() as u64
    }
}
