//! Links: how they open, break and deliver.

use protocol::hello::NodeHello;
use protocol::message::ToNode;
use protocol::refusal::Remedy;
use protocol::view::Member;
use ring_core::gateway::GatewayEvent;
use ring_core::link::LinkId;
use ring_core::node::NodeEvent;

use crate::network::{Ends, Message};
use crate::schedule::WhoKnows;
use crate::world::World;

impl World {
    /// Connects each host without a link to its peer.
    pub(crate) fn connect(&mut self) {
        for i in 0..self.nodes.len() {
            self.connect_gateway(i);
            self.connect_next(i);
        }
    }

    pub(crate) fn connect_gateway(&mut self, i: usize) {
        let ends = Ends::Gateway { node: i };
        if self.network.of_client(ends).is_some() || self.network.cut.contains(&ends) {
            return;
        }
        let (Some(node), Some(gateway)) = (&self.nodes[i].node, &self.gateway) else { return };
        let hello: NodeHello = node.hello();
        if let Err(refusal) = gateway.admit(&hello) {
            assert_eq!(refusal.code.remedy(), Remedy::Retry, "{refusal}");
            return;
        }
        let link = self.network.open(ends);
        self.gateway_event(GatewayEvent::NodeLinked { link, hello });
        self.node_event(i, NodeEvent::GatewayLinked { link });
    }

    pub(crate) fn connect_next(&mut self, i: usize) {
        let ends = Ends::Neighbours { home: i };
        let next = (i + 1) % self.nodes.len();
        if self.network.of_client(ends).is_some() || self.network.cut.contains(&ends) {
            return;
        }
        let Some(dial) = self.nodes[i].dialling.clone() else { return };
        if self.nodes[next].node.is_none() {
            return;
        }
        let incarnation = dial.hello.to.1;
        let link = self.network.open(ends);
        self.node_event(i, NodeEvent::NextLinked { link, incarnation });
        self.node_event(next, NodeEvent::HomeLinked { link, hello: dial.hello });
    }

    pub(crate) fn break_some_link(&mut self, nth: usize, who_knows: WhoKnows) {
        let count = self.network.links.len();
        if count > 0
            && let Some(link) = self.network.links.keys().nth(nth % count).copied()
        {
            self.totals.broken_links += 1;
            self.break_link(link, who_knows);
        }
    }

    /// Breaks a link. The messages under way are lost.
    pub(crate) fn break_link(&mut self, link: LinkId, who_knows: WhoKnows) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let ends = entry.ends;
        entry.forth.clear();
        entry.back.clear();
        let knows_client = matches!(who_knows, WhoKnows::Client | WhoKnows::Both);
        let knows_server = matches!(who_knows, WhoKnows::Server | WhoKnows::Both);
        let client = knows_client && std::mem::take(&mut entry.client_open);
        let server = knows_server && std::mem::take(&mut entry.server_open);
        self.network.tidy();
        match ends {
            Ends::Gateway { node } => {
                if client {
                    self.node_event(node, NodeEvent::GatewayLost { link });
                }
                if server {
                    self.gateway_event(GatewayEvent::NodeLost { link });
                }
            }
            Ends::Neighbours { home } => {
                if client {
                    self.node_event(home, NodeEvent::NeighbourLost { from: Member::Next, link });
                }
                if server {
                    let lost = NodeEvent::NeighbourLost { from: Member::Home, link };
                    self.node_event((home + 1) % self.nodes.len(), lost);
                }
            }
        }
    }

    pub(crate) fn cut(&mut self, nth: usize) {
        let i = nth / 2 % self.nodes.len();
        let ends = if nth.is_multiple_of(2) {
            Ends::Gateway { node: i }
        } else {
            Ends::Neighbours { home: i }
        };
        self.network.cut.insert(ends);
        let links = self.network.links.iter().filter(|(_, link)| link.ends == ends);
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
    }

    /// The queues with a message to deliver. A message to a closed end is never delivered.
    pub(crate) fn queues(&self) -> Vec<(LinkId, bool)> {
        let links = self.network.links.iter();
        links
            .flat_map(|(id, link)| {
                let forth = (!link.forth.is_empty() && link.server_open).then_some((*id, true));
                let back = (!link.back.is_empty() && link.client_open).then_some((*id, false));
                [forth, back]
            })
            .flatten()
            .collect()
    }

    pub(crate) fn deliver_some(&mut self, nth: usize, count: usize) {
        let queues = self.queues();
        if queues.is_empty() {
            return;
        }
        let (link, forth) = queues[nth % queues.len()];
        for _ in 0..count {
            self.deliver(link, forth);
        }
    }

    pub(crate) fn deliver_all(&mut self) {
        for _ in 0..10_000 {
            let Some((link, forth)) = self.queues().first().copied() else { return };
            self.deliver(link, forth);
        }
        panic!("messages without end");
    }

    pub(crate) fn deliver(&mut self, link: LinkId, forth: bool) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let ends = entry.ends;
        let message = if forth { entry.forth.pop_front() } else { entry.back.pop_front() };
        let next_of = |home: usize| (home + 1) % self.nodes.len();
        match (ends, message) {
            (_, None) => {}
            (Ends::Gateway { .. }, Some(Message::FromNode(message))) => {
                self.gateway_event(GatewayEvent::NodeSays { link, message });
            }
            (Ends::Gateway { node }, Some(Message::ToNode(message))) => {
                if let ToNode::Request(request) = &*message {
                    self.requests.insert((link, request.call), request.clone());
                }
                self.node_event(node, NodeEvent::GatewaySays { link, message: *message });
            }
            (Ends::Neighbours { home }, Some(Message::ToNeighbour { to, message })) => {
                let at = if to == Member::Home { home } else { next_of(home) };
                let from = to.other();
                self.node_event(at, NodeEvent::NeighbourSays { from, link, message });
            }
            (ends, Some(message)) => panic!("{message:?} over {ends:?}"),
        }
    }
}
