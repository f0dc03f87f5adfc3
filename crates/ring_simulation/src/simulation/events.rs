//! Hands events to the state machines, and carries out their effects.

use protocol::message::{FromNode, Verdict};
use protocol::view::Member;
use ring_core::gateway::{GatewayEffect, GatewayEvent};
use ring_core::node::{NodeEffect, NodeEvent};
use ring_core::placement::Place;
use ring_core::store::{Mutation, RecordKey};

use super::Simulation;
use crate::network::Message;
use crate::rules::{OnDecision, OnReply, OnSend};
use crate::schedule::WhoKnows;

impl Simulation {
    pub(crate) fn node_event(&mut self, place: Place, event: NodeEvent) {
        let machine = self.machines.at_mut(place);
        if machine.node().is_none() {
            return;
        }
        self.log.push(format!("  {:?} {} <- {event:?}", self.clock.elapsed(), machine.id));
        for effect in machine.handle(self.clock.now(), event) {
            self.node_effect(place, effect);
        }
        if !self.machines.at(place).disk.is_cold() {
            self.read_all(place);
        }
    }

    fn node_effect(&mut self, place: Place, effect: NodeEffect) {
        let machine = self.machines.at_mut(place);
        match effect {
            NodeEffect::Write { mark, mutation } => {
                self.note_write(place, &mutation);
                self.machines.at_mut(place).disk.write(mark, mutation)
            }
            NodeEffect::Read { read, member, what } => machine.reads.begin(read, member, what),
            NodeEffect::Salvaged { .. } => self.totals.salvages += 1,
            NodeEffect::ComparisonSkipped { .. } => self.totals.comparisons_skipped += 1,
            NodeEffect::ToGateway { link, message } => {
                if let FromNode::Reply { call, reply } = &message
                    && let Some(request) = self.requests.replied(link, *call)
                {
                    OnReply { machines: &self.machines, totals: &mut self.totals }
                        .check(place, &request, reply);
                }
                if let FromNode::Compared { partition, verdict: Verdict::Different } = &message {
                    panic!("the copies of {partition} differ and neither is damaged");
                }
                self.network.send(link, Message::FromNode(message));
            }
            NodeEffect::ToNeighbour { to, link, message } => {
                self.network.send(link, Message::ToNeighbour { to, message })
            }
            NodeEffect::DialNext(dial) => machine.dialling = Some(dial),
            NodeEffect::Drop { link, refusal } => {
                self.log.push(format!("  {} drops {link:?}: {refusal}", machine.id));
                self.break_link(link, WhoKnows::Both);
            }
            NodeEffect::Alarm(what) => self.log.push(format!("  {} alarms: {what}", machine.id)),
            NodeEffect::Stop(reason) => panic!("{} stops: {reason}", machine.id),
        }
    }

    /// Remembers what a write tells the rules.
    fn note_write(&mut self, place: Place, mutation: &Mutation) {
        match mutation {
            Mutation::Apply { member: Member::Home, entry, .. } => {
                self.archive.add(place.partition(), entry);
            }
            Mutation::Chunk { then: None, .. } => self.totals.installs += 1,
            Mutation::MarkDamaged { .. } => self.totals.damage_found += 1,
            Mutation::Salvage { dropped, .. } => {
                for id in dropped.iter().filter_map(RecordKey::id) {
                    self.totals.users_dropped += 1;
                    self.clients.drop_record(self.clock.now_ns(), &id);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn gateway_event(&mut self, event: GatewayEvent) {
        if self.gateway.gateway().is_none() {
            return;
        }
        self.log.push(format!("  {:?} gateway <- {event:?}", self.clock.elapsed()));
        self.evidence.gateway_handles(self.machines.ring(), &self.gateway.disk, &event);
        for effect in self.gateway.handle(self.clock.now(), event) {
            self.gateway_effect(effect);
        }
    }

    fn gateway_effect(&mut self, effect: GatewayEffect) {
        match effect {
            GatewayEffect::Send { link, message } | GatewayEffect::SendAlone { link, message } => {
                OnSend { gateway: &self.gateway.disk, views: &mut self.views }.check(&message);
                self.evidence.gateway_sends(link, &message);
                self.requests.sent(&message);
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
                OnDecision {
                    machines: &self.machines,
                    gateway: &self.gateway.disk,
                    evidence: &self.evidence,
                    views: &mut self.views,
                    totals: &mut self.totals,
                }
                .check(&state);
                self.gateway.disk.save(state);
            }
            GatewayEffect::Complete { ticket, outcome } => {
                self.clients.complete(self.clock.now_ns(), ticket, &outcome);
            }
            GatewayEffect::Changed => {}
        }
    }
}
