//! Hands events to the state machines, and carries out their effects.

use protocol::message::{FromNode, Operation, Request, ToNode, Verdict};
use protocol::view::Member;
use ring_core::gateway::{GatewayEffect, GatewayEvent};
use ring_core::node::{NodeEffect, NodeEvent};
use ring_core::store::Mutation;

use crate::network::Message;
use crate::reads::Read;
use crate::schedule::WhoKnows;
use crate::world::World;

impl World {
    pub(crate) fn node_event(&mut self, i: usize, event: NodeEvent) {
        let host = &mut self.nodes[i];
        let Some(node) = &mut host.node else { return };
        self.log.push(format!("  {:?} db-{i} <- {event:?}", self.elapsed));
        let mut effects = Vec::new();
        node.handle(self.now, event, &host.disk, &mut effects);
        for effect in effects {
            self.node_effect(i, effect);
        }
        if !self.is_cold {
            self.read_all(i);
        }
    }

    pub(crate) fn node_effect(&mut self, i: usize, effect: NodeEffect) {
        match effect {
            NodeEffect::Write { mark, mutation } => {
                self.archive(i, &mutation);
                self.nodes[i].disk.write(mark, mutation)
            }
            NodeEffect::Read { read, member, what } => {
                self.nodes[i].reads.push(Read { read, member, what, was_read: None });
            }
            NodeEffect::Salvaged { .. } => self.totals.salvages += 1,
            NodeEffect::ComparisonSkipped { .. } => self.totals.comparisons_skipped += 1,
            NodeEffect::ToGateway { link, message } => {
                if let FromNode::Reply { call, reply } = &message
                    && let Some(request) = self.requests.remove(&(link, *call))
                {
                    self.check_reply(i, &request, reply);
                }
                if let FromNode::Compared { partition, verdict: Verdict::Different } = &message {
                    panic!("the copies of {partition} differ and neither is damaged");
                }
                self.network.send(link, Message::FromNode(message));
            }
            NodeEffect::ToNeighbour { to, link, message } => {
                self.network.send(link, Message::ToNeighbour { to, message })
            }
            NodeEffect::DialNext(dial) => self.nodes[i].dialling = Some(dial),
            NodeEffect::Drop { link, refusal } => {
                self.log.push(format!("  db-{i} drops {link:?}: {refusal}"));
                self.break_link(link, WhoKnows::Both);
            }
            NodeEffect::Alarm(what) => self.log.push(format!("  db-{i} alarms: {what}")),
            NodeEffect::Stop(reason) => panic!("db-{i} stops: {reason}"),
        }
    }

    /// Remembers the entries of a home copy, even after its log is trimmed or lost.
    fn archive(&mut self, i: usize, mutation: &Mutation) {
        let partition = self.ring.places().nth(i).expect("a place").partition();
        match mutation {
            Mutation::Apply { member: Member::Home, entry, .. } => {
                let log = self.archive.entry(partition).or_default();
                log.insert(entry.position.seq, entry.clone());
            }
            Mutation::Chunk { then: None, .. } => self.totals.installs += 1,
            Mutation::MarkDamaged { .. } => self.totals.damage_found += 1,
            Mutation::Salvage { dropped, .. } => self.drops(dropped),
            _ => {}
        }
    }

    pub(crate) fn gateway_event(&mut self, event: GatewayEvent) {
        let Some(gateway) = &mut self.gateway else { return };
        self.log.push(format!("  {:?} gateway <- {event:?}", self.elapsed));
        let mut effects = Vec::new();
        gateway.handle(self.now, event, &mut effects);
        for effect in effects {
            self.gateway_effect(effect);
        }
    }

    pub(crate) fn gateway_effect(&mut self, effect: GatewayEffect) {
        match effect {
            GatewayEffect::Send { link, message } | GatewayEffect::SendAlone { link, message } => {
                self.check_sent(&message);
                if let ToNode::Request(Request { operation: Operation::Update(update), .. }) =
                    &*message
                {
                    *self.sent_updates.entry(update.request).or_default() += 1;
                }
                self.network.send(link, Message::ToNode(message));
            }
            GatewayEffect::Defect(what) => panic!("a defect: {what}"),
            GatewayEffect::LossAccepted(accepted) => {
                self.log.push(format!("  what a copy cannot read is lost: {accepted:?}"));
            }
            GatewayEffect::Drop { link, refusal } => {
                self.log.push(format!("  gateway drops {link:?}: {refusal}"));
                self.break_link(link, WhoKnows::Both);
            }
            GatewayEffect::Save(state) => {
                self.check_decided(&state);
                assert!(self.gateway_disk.saving.is_none(), "two saves at once");
                self.gateway_disk.saving = Some(state);
            }
            GatewayEffect::Complete { ticket, outcome } => {
                let now_ns = self.now_ns();
                self.clients.complete(now_ns, ticket, &outcome);
            }
            GatewayEffect::Changed => {}
        }
    }
}
