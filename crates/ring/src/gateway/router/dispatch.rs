//! Where a request goes: to a node, into a queue, or back to its client.

use protocol::id::PartitionId;
use protocol::message::{DiskState, Operation, Request, ToNode};
use protocol::view::View;

use super::Router;
use super::calls::Framing;
use super::pending::{Destination, Pending, Since, Stage};
use super::routes::wanted_member;
use crate::gateway::effect::GatewayEffect;
use crate::gateway::published::Service;
use crate::gateway::request::{Outcome, RequestKind, Ticket, Unavailable};
use crate::link::LinkId;
use crate::placement::Place;
use crate::time::Time;

impl Router {
    /// Sends a request if a copy can take it; ends it if none will; else it waits.
    pub(super) fn dispatch(&mut self, now: Time, ticket: Ticket, effects: &mut Vec<GatewayEffect>) {
        let Some(pending) = self.requests.get(ticket) else { return };
        let (partition, kind) = (pending.partition, pending.kind());
        let Some((view, service)) = self.routes.view(partition).copied() else {
            return self.requests.wait_for_view(ticket);
        };
        let member = wanted_member(kind, &view);
        match (service, kind) {
            (Service::Lost, _) => {
                return self.cannot_be_served(ticket, Unavailable::Lost, effects);
            }
            (Service::Without(lost), RequestKind::Update) if lost == member => {
                return self.cannot_be_served(ticket, Unavailable::NoPrimary, effects);
            }
            (Service::Without(lost), RequestKind::Read) if lost == member => {
                return self.requests.wait_for_view(ticket);
            }
            (Service::Available | Service::Without(_), _) => {}
        }
        let place = self.routes.ring.holder(partition, member);
        let Some(link) = self.routes.link(place) else {
            return self.await_node(now, ticket, place, effects);
        };
        if kind == RequestKind::Update && view.in_sync.primary().is_none() {
            return self.cannot_be_served(ticket, Unavailable::NoPrimary, effects);
        }
        let needs_disk = kind == RequestKind::Update;
        if pending.was_refused_at(view.epoch) || (needs_disk && self.routes.is_silent(link)) {
            return self.requests.wait_for_view(ticket);
        }
        // An update that was sent before goes on at once: its node has had it, and was not too full
        // for it.
        if !pending.may_be_done() && self.must_queue(ticket, partition, kind, link) {
            let since = Since { now, busy: self.calls.busy(link, kind) };
            return self.requests.wait_for_room(ticket, since);
        }
        self.send(ticket, link, Destination { place, member }, &view, effects);
    }

    /// The node is not linked that a request needs.
    fn await_node(
        &mut self,
        now: Time,
        ticket: Ticket,
        place: Place,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let Some(pending) = self.requests.get(ticket) else { return };
        let in_grace = self.grace_until.is_some_and(|grace_until| now < grace_until);
        let is_awaited = in_grace || self.routes.is_arriving(place);
        if pending.kind() == RequestKind::Update && !is_awaited {
            self.cannot_be_served(ticket, Unavailable::NoPrimary, effects);
        } else {
            self.requests.wait_for_view(ticket);
        }
    }

    /// Nobody can serve a request. If it is an update that was sent before, it may have been done:
    /// its deadline decides.
    fn cannot_be_served(
        &mut self,
        ticket: Ticket,
        why: Unavailable,
        effects: &mut Vec<GatewayEffect>,
    ) {
        if self.requests.get(ticket).is_some_and(Pending::may_be_done) {
            self.requests.wait_for_view(ticket);
        } else {
            self.settle(ticket, Outcome::NotDone(why), effects);
        }
    }

    /// Whether the node is full, or others that came before wait for it.
    fn must_queue(
        &self,
        ticket: Ticket,
        partition: PartitionId,
        kind: RequestKind,
        link: LinkId,
    ) -> bool {
        self.calls.is_full(link, kind) || self.requests.is_behind_others(ticket, partition, kind)
    }

    fn send(
        &mut self,
        ticket: Ticket,
        link: LinkId,
        to: Destination,
        view: &View,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let Some(pending) = self.requests.get_mut(ticket) else { return };
        let framing = pending.framing;
        let call = self.calls.add(link, ticket, pending.kind(), framing);
        let mut operation = pending.operation.clone();
        if let Operation::Update(update) = &mut operation {
            update.unsettled_from = self.update_ids.unsettled_from(update.request.counter);
        }
        pending.progress = Stage::Sent { link, call, to, epoch: view.epoch };
        let request = Request {
            call,
            partition: view.partition,
            member: to.member,
            epoch: view.epoch,
            operation,
        };
        let message = ToNode::Request(request);
        effects.push(match framing {
            Framing::Shared => GatewayEffect::send(link, message),
            Framing::Alone => GatewayEffect::SendAlone { link, message: Box::new(message) },
        });
    }

    /// The view of a partition has changed, or a node of it has come or gone: all that waits is
    /// looked at again.
    pub(super) fn dispatch_waiting(
        &mut self,
        now: Time,
        partition: PartitionId,
        effects: &mut Vec<GatewayEffect>,
    ) {
        for ticket in self.requests.take_waiting(partition) {
            self.dispatch(now, ticket, effects);
        }
    }

    /// The disk of a node does not answer, or does again.
    pub(crate) fn disk_changed(
        &mut self,
        now: Time,
        link: LinkId,
        disk: DiskState,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let Some(place) = self.routes.disk_changed(link, disk) else { return };
        for partition in self.routes.partitions_at(place) {
            self.begin_backlog(partition);
            self.dispatch_waiting(now, partition, effects);
        }
    }

    /// A node has answered a request. What waits for room takes it; who has waited too long is
    /// turned away.
    pub(super) fn room_made(
        &mut self,
        now: Time,
        link: LinkId,
        kind: RequestKind,
        effects: &mut Vec<GatewayEffect>,
    ) {
        if !self.requests.anyone_for_room() {
            return;
        }
        match kind {
            RequestKind::Read => self.fill(now, link, kind, effects),
            // How many updates a node may have depends on how many all have.
            RequestKind::Update => {
                for link in self.routes.links() {
                    self.fill(now, link, kind, effects);
                }
            }
        }
        while let Some(ticket) = self.requests.first_for_room(&self.routes, link, kind) {
            let busy = self.calls.busy(link, kind);
            let pending = self.requests.get(ticket);
            if !pending.is_some_and(|pending| pending.has_waited_for_room(now, busy)) {
                return;
            }
            self.settle(ticket, Outcome::NotDone(Unavailable::Overloaded), effects);
        }
    }

    /// Requests have ended at their deadline, moved, or lost their link: what waits for room takes
    /// theirs. No answer comes for these, so nothing else would make it move.
    pub(super) fn fill_all(&mut self, now: Time, effects: &mut Vec<GatewayEffect>) {
        if !self.requests.anyone_for_room() {
            return;
        }
        for link in self.routes.links() {
            for kind in [RequestKind::Read, RequestKind::Update] {
                self.fill(now, link, kind, effects);
            }
        }
    }

    /// Sends to a node what waits for room there, as long as there is some.
    fn fill(
        &mut self,
        now: Time,
        link: LinkId,
        kind: RequestKind,
        effects: &mut Vec<GatewayEffect>,
    ) {
        while !self.calls.is_full(link, kind) {
            let Some(ticket) = self.requests.first_for_room(&self.routes, link, kind) else {
                return;
            };
            self.requests.end_waiting(ticket);
            self.dispatch(now, ticket, effects);
        }
    }
}
