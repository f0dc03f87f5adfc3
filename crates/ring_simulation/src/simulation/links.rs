//! Links: how they open, break and deliver.

use protocol::refusal::Remedy;
use ring_core::gateway::GatewayEvent;
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEvent};
use ring_core::placement::Place;

use super::Simulation;
use crate::network::{Arrival, End, Ends, LinkQueue, Message};
use crate::schedule::WhoKnows;

impl Simulation {
    /// Connects each node without a link to its peer.
    pub(crate) fn connect(&mut self) {
        for place in self.machines.places() {
            self.connect_gateway(place);
            self.connect_next(place);
        }
    }

    fn connect_gateway(&mut self, node: Place) {
        let ends = Ends::Gateway { node };
        if !self.network.may_open(ends) {
            return;
        }
        let Some(hello) = self.machines.at(node).node().map(Node::hello) else { return };
        let Some(gateway) = self.gateway.gateway() else { return };
        if let Err(refusal) = gateway.admit(&hello) {
            assert_eq!(refusal.code.remedy(), Remedy::Retry, "{refusal}");
            return;
        }
        let link = self.network.open(ends);
        self.gateway_event(GatewayEvent::NodeLinked { link, hello });
        self.node_event(node, NodeEvent::GatewayLinked { link });
    }

    fn connect_next(&mut self, home: Place) {
        let next = self.machines.ring().next(home);
        let ends = Ends::Neighbours { home, next };
        if !self.network.may_open(ends) || self.machines.at(next).node().is_none() {
            return;
        }
        let Some(dial) = self.machines.at(home).dialling.clone() else { return };
        let incarnation = dial.hello.to.1;
        let link = self.network.open(ends);
        self.node_event(home, NodeEvent::NextLinked { link, incarnation });
        self.node_event(next, NodeEvent::HomeLinked { link, hello: dial.hello });
    }

    /// Breaks a link. The messages under way are lost.
    pub(crate) fn break_link(&mut self, link: LinkId, who_knows: WhoKnows) {
        for end in self.network.break_link(link, who_knows) {
            match end {
                End::Gateway => self.gateway_event(GatewayEvent::NodeLost { link }),
                End::Node(node) => self.node_event(node, NodeEvent::GatewayLost { link }),
                End::Neighbour { node, of: from } => {
                    self.node_event(node, NodeEvent::NeighbourLost { from, link });
                }
            }
        }
    }

    pub(crate) fn deliver_all(&mut self) {
        for _ in 0..10_000 {
            let Some(queue) = self.network.queues().next() else { return };
            self.deliver(queue);
        }
        panic!("messages without end");
    }

    /// Delivers the first message of a queue.
    pub(crate) fn deliver(&mut self, queue: LinkQueue) {
        let link = queue.link;
        let Some(Arrival { at, message }) = self.network.take(queue) else { return };
        match (at, message) {
            (End::Gateway, Message::FromNode(message)) => {
                self.gateway_event(GatewayEvent::NodeSays { link, message });
            }
            (End::Node(node), Message::ToNode(message)) => {
                self.requests.delivered(link, &message);
                self.node_event(node, NodeEvent::GatewaySays { link, message: *message });
            }
            (End::Neighbour { node, of: from }, Message::ToNeighbour { message, .. }) => {
                self.node_event(node, NodeEvent::NeighbourSays { from, link, message });
            }
            (at, message) => panic!("{message:?} at {at:?}"),
        }
    }
}
