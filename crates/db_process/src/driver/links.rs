//! The links of a node, by the core's names for them.

use std::collections::BTreeMap;

use link::{Hold, Sender};
use protocol::hello::NodeHello;
use protocol::message::{CopyMessage, FromNode};
use ring_core::link::LinkId;
use ring_core::node::{DialNext, Node, NodeEffect};
use serde::Serialize;
use tokio::sync::watch;
use tracing::info;

/// The links of a node, and the input of the diallers.
pub(crate) struct Links {
    hello: watch::Sender<NodeHello>,
    dial_next: watch::Sender<Option<DialNext>>,
    gateway: BTreeMap<LinkId, Sender<FromNode>>,
    neighbours: BTreeMap<LinkId, Sender<CopyMessage>>,
}

impl Links {
    pub(crate) fn new(
        hello: watch::Sender<NodeHello>,
        dial_next: watch::Sender<Option<DialNext>>,
    ) -> Self {
        let (gateway, neighbours) = Default::default();
        Self { hello, dial_next, gateway, neighbours }
    }

    pub(super) fn add_gateway(&mut self, link: LinkId, sender: Sender<FromNode>) {
        self.gateway.insert(link, sender);
    }

    pub(super) fn add_neighbour(&mut self, link: LinkId, sender: Sender<CopyMessage>) {
        self.neighbours.insert(link, sender);
    }

    pub(super) fn remove(&mut self, link: LinkId) {
        self.gateway.remove(&link);
        self.neighbours.remove(&link);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gateway.is_empty() && self.neighbours.is_empty()
    }

    /// Lets messages gather until the returned holds are dropped.
    pub(super) fn hold(&self) -> Vec<Hold> {
        let gateway = self.gateway.values().map(Sender::hold);
        gateway.chain(self.neighbours.values().map(Sender::hold)).collect()
    }

    /// Sends, drops or dials.
    pub(super) fn carry_out(&mut self, effect: NodeEffect) {
        match effect {
            NodeEffect::ToGateway { link, message } => send(&self.gateway, link, &message),
            NodeEffect::ToNeighbour { link, message, .. } => send(&self.neighbours, link, &message),
            NodeEffect::Drop { link, refusal } => {
                info!(link = link.0, %refusal, "dropping a link");
                close(&self.gateway, link, &refusal);
                close(&self.neighbours, link, &refusal);
            }
            NodeEffect::DialNext(dial) => {
                self.dial_next.send_replace(Some(dial));
            }
            NodeEffect::Write { .. }
            | NodeEffect::Read { .. }
            | NodeEffect::ComparisonSkipped { .. }
            | NodeEffect::Salvaged { .. }
            | NodeEffect::Alarm(_)
            | NodeEffect::Stop(_) => unreachable!("the driver's own"),
        }
    }

    /// Updates the node's hello. It changes once: when the node becomes a member of a cluster.
    pub(super) fn follow_membership(&self, node: &Node) {
        if node.membership().is_some() && self.hello.borrow().membership.is_none() {
            self.hello.send_replace(node.hello());
        }
    }

    /// Tells the gateway why the node ends.
    pub(super) fn say_goodbye(&self, reason: String) {
        let goodbye = FromNode::Goodbye(reason);
        self.gateway.keys().for_each(|link| send(&self.gateway, *link, &goodbye));
    }

    pub(super) fn close_all(&self, reason: &str) {
        self.gateway.values().for_each(|sender| sender.close(reason));
        self.neighbours.values().for_each(|sender| sender.close(reason));
    }
}

/// Sends a message. If a link cannot take it, the link closes and the core hears of the loss, so
/// no message is lost silently.
fn send<M: Serialize>(links: &BTreeMap<LinkId, Sender<M>>, link: LinkId, message: &M) {
    if let Some(sender) = links.get(&link) {
        let _ = sender.send(message);
    }
}

fn close<M>(links: &BTreeMap<LinkId, Sender<M>>, link: LinkId, reason: &impl ToString) {
    if let Some(sender) = links.get(&link) {
        sender.close(reason.to_string());
    }
}
