//! The router: brings each client's request to the copy that serves it, and back an outcome that
//! can be relied on.
//!
//! ```text
//!  submit          a copy can serve it           reply: done
//!  -------> Waiting ----------------> Sent ---------------------> Done
//!             ^  |                     |  |
//!             |  | deadline, home      |  | deadline
//!             |  | known down, or      |  |
//!             |  v overloaded          |  v
//!             | NotDone                | NotDone (reads, refused updates), Unknown (updates)
//!             +------------------------+
//!               link lost, fenced, or the view moved the reader
//! ```
//!
//! A request waits for a view or a node that can serve it, up to its deadline; or for room at a
//! node that has enough to do. Waiting for room is not load: only after a quarter of a second in
//! which that node answered others is a request turned away. While the node is silent it waits on
//! ([`dispatch`]). What waited for a view, or for a node that stood still, is no load either: while
//! the node works that off, nobody is turned away ([`calls`]). An update is not sent to a node
//! whose disk does not answer: it waits, and ends as not done if that lasts.
//!
//! Where requests go is said by the published view alone: reads to its reader, updates to home.
//! Reads move after the view (rule 7): they wait for it where the reader is gone.
//!
//! Rule 13: an update that was handed to a link ends as *done* or *unknown*, unless every send of
//! it was refused before writing. Rule 12: it keeps its id over all its sends, and each send says
//! which ids may still be sent.

mod calls;
mod dispatch;
mod pending;
mod requests;
mod routes;
mod update_ids;
mod waiting;

use std::time::Duration;

use protocol::id::{GatewayBoot, PartitionId};
use protocol::message::{CallId, Operation, Reply, Update};
use protocol::view::View;

use self::calls::{Calls, Framing, Unread};
use self::pending::{Destination, Pending, Stage};
use self::requests::Requests;
use self::routes::Routes;
use self::update_ids::UpdateIds;
use super::effect::GatewayEffect;
use super::published::Published;
use super::request::{ClientRequest, Outcome, RequestKind, ServedBy, Ticket, Unavailable};
use super::settings::GatewaySettings;
use crate::link::LinkId;
use crate::placement::{Place, Ring};
use crate::time::{Time, earliest};

/// The router of a gateway.
#[derive(Debug)]
pub(crate) struct Router {
    in_flight_max: usize,
    /// Until then, a home that is not linked is taken to be on its way.
    grace_until: Option<Time>,
    /// When that was over last.
    grace_ended: Time,
    /// Whether there is a cluster.
    is_formed: bool,
    routes: Routes,
    requests: Requests,
    /// The last request that has come.
    newest: Ticket,
    calls: Calls,
    update_ids: UpdateIds,
}

impl Router {
    pub(crate) fn new(
        ring: Ring,
        boot: GatewayBoot,
        settings: &GatewaySettings,
        grace_until: Time,
    ) -> Self {
        Self {
            calls: Calls::new(settings.node_limits, ring.size()),
            in_flight_max: settings.in_flight_max,
            grace_until: Some(grace_until),
            grace_ended: Time::ZERO,
            is_formed: false,
            routes: Routes::of(ring),
            requests: Requests::default(),
            newest: Ticket(0),
            update_ids: UpdateIds::of(boot),
        }
    }

    /// How many requests are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.requests.len()
    }

    /// A client's request.
    pub(crate) fn submit(
        &mut self,
        now: Time,
        ticket: Ticket,
        request: ClientRequest,
        time_allowed: Duration,
        effects: &mut Vec<GatewayEffect>,
    ) {
        if !self.is_formed {
            return complete(ticket, Outcome::NotDone(Unavailable::NotFormed), effects);
        }
        self.newest = self.newest.max(ticket);
        let partition = self.routes.ring.partition_of(request.id());
        if self.requests.len() >= self.in_flight_max {
            return complete(ticket, Outcome::NotDone(Unavailable::Overloaded), effects);
        }
        let (operation, counter) = match request {
            ClientRequest::Read(id) => (Operation::Read(id), None),
            ClientRequest::Update(action) => {
                let request = self.update_ids.take();
                (
                    Operation::Update(Update { request, unsettled_from: 0, action }),
                    Some(request.counter),
                )
            }
        };
        let deadline = now + time_allowed;
        self.requests.add(ticket, Pending::new(operation, counter, partition, deadline));
        self.dispatch(now, ticket, effects);
    }

    /// Until then a home that is not linked is taken to be on its way.
    pub(crate) fn wait_for_nodes_until(&mut self, grace_until: Time) {
        if grace_until > self.grace_ended {
            self.grace_until = Some(grace_until);
        }
    }

    /// Follows the publications of the controller. All of them count before any request goes: one
    /// of another partition may take the room made by the first of them.
    pub(crate) fn follow(
        &mut self,
        now: Time,
        published: &[Published],
        effects: &mut Vec<GatewayEffect>,
    ) {
        for publication in published {
            self.is_formed |= !matches!(publication, Published::Welcomed(..));
            self.routes.learn(publication);
        }
        for publication in published {
            match *publication {
                Published::Unknown(_) => {}
                Published::View(View { partition, .. }, _) => {
                    self.begin_backlog(partition);
                    self.move_reads(now, partition, effects);
                    self.dispatch_waiting(now, partition, effects);
                }
                Published::Welcomed(place, _) => {
                    for partition in self.routes.partitions_at(place) {
                        self.begin_backlog(partition);
                        self.dispatch_waiting(now, partition, effects);
                    }
                }
            }
        }
        if !published.is_empty() {
            self.fill_all(now, effects);
        }
    }

    /// What waited for the view of a partition, or for a node of it, can be served: it is the
    /// backlog of that node.
    fn begin_backlog(&mut self, partition: PartitionId) {
        for kind in [RequestKind::Read, RequestKind::Update] {
            let place = self.routes.wanted_place(partition, kind);
            if let Some(link) = place.and_then(|place| self.routes.link(place)) {
                self.calls.begin_backlog(link, kind, self.newest);
            }
        }
    }

    /// A node is linked; its welcome is to come.
    pub(crate) fn arriving(&mut self, place: Place, link: LinkId) {
        self.routes.arriving(place, link);
    }

    /// A link is gone: what was sent over it and not replied to has an unknown fate. It waits to be
    /// sent again.
    pub(crate) fn link_lost(&mut self, now: Time, link: LinkId, effects: &mut Vec<GatewayEffect>) {
        let place = self.routes.lost(link);
        for ticket in self.calls.lost(link) {
            if let Some(pending) = self.requests.get_mut(ticket) {
                pending.link_lost();
            }
            self.dispatch(now, ticket, effects);
        }
        let partitions = place.map(|place| self.routes.partitions_at(place));
        for partition in partitions.into_iter().flatten() {
            self.dispatch_waiting(now, partition, effects);
        }
        self.fill_all(now, effects);
    }

    /// A node could not decode a frame; it has read every request up to `understood`. The requests
    /// of that frame are sent again, each alone. The one that cannot be decoded even so ends.
    pub(crate) fn undecodable(
        &mut self,
        link: LinkId,
        understood: Option<CallId>,
        effects: &mut Vec<GatewayEffect>,
    ) {
        match self.calls.unread(link, understood) {
            Unread::Suspects(tickets) => {
                for ticket in tickets {
                    if let Some(pending) = self.requests.get_mut(ticket) {
                        pending.framing = Framing::Alone;
                    }
                }
            }
            Unread::Culprit(call) => {
                let Some(ticket) = self.calls.remove(link, call) else { return };
                let Some(pending) = self.requests.get(ticket) else { return };
                effects.push(GatewayEffect::Defect(format!(
                    "a node cannot decode {} of {}, which is alone in its frame: it is not sent again",
                    match pending.operation {
                        Operation::Read(_) => "a read",
                        Operation::Update(_) => "an update",
                    },
                    pending.partition,
                )));
                let outcome = pending.outcome_if_undecodable();
                self.settle(ticket, outcome, effects);
            }
        }
    }

    /// A reply. Of calls that are given up nothing is heard any more.
    pub(crate) fn reply(
        &mut self,
        now: Time,
        link: LinkId,
        call: CallId,
        reply: Reply,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let kind = self.calls.answered(now, link, call, self.newest);
        let Some(ticket) = self.calls.remove(link, call) else { return };
        self.replied(now, ticket, reply, effects);
        if let Some(kind) = kind {
            self.room_made(now, link, kind, effects);
        }
    }

    fn replied(
        &mut self,
        now: Time,
        ticket: Ticket,
        reply: Reply,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let Some(pending) = self.requests.get_mut(ticket) else { return };
        match reply {
            Reply::Done(answer) => {
                let Stage::Sent { to: Destination { place, member }, epoch, .. } = pending.progress
                else {
                    return;
                };
                let served_by =
                    ServedBy { node: self.routes.ring.node_at(place).clone(), member, epoch };
                self.settle(ticket, Outcome::Done { answer, served_by }, effects);
            }
            Reply::Fenced => {
                pending.refused();
                self.dispatch(now, ticket, effects);
            }
            // Its id is not below the window and is of this boot, or it would not be pending:
            // whoever says otherwise cannot be relied on.
            Reply::Settled => self.settle(ticket, Outcome::Unknown, effects),
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time, effects: &mut Vec<GatewayEffect>) {
        while let Some((_, ticket)) =
            self.requests.first_deadline().filter(|(deadline, _)| *deadline <= now)
        {
            let outcome = self.requests.get(ticket).map(Pending::outcome_at_deadline);
            self.settle(ticket, outcome.unwrap_or(Outcome::Unknown), effects);
        }
        if let Some(grace_until) = self.grace_until.take_if(|grace_until| *grace_until <= now) {
            self.grace_ended = grace_until;
            effects.push(GatewayEffect::Changed);
            for partition in self.requests.partitions_waited_for() {
                self.dispatch_waiting(now, partition, effects);
            }
        }
        self.fill_all(now, effects);
    }

    /// When to tick at the latest.
    pub(crate) fn deadline(&self) -> Option<Time> {
        earliest([self.requests.first_deadline().map(|(deadline, _)| deadline), self.grace_until])
    }

    /// Reads that another copy now has to answer are sent there; what the one before still says is
    /// not heard.
    fn move_reads(&mut self, now: Time, partition: PartitionId, effects: &mut Vec<GatewayEffect>) {
        let Some(reader) = self.routes.wanted_place(partition, RequestKind::Read) else { return };
        let moved = self.calls.of(|ticket| {
            self.requests.get(ticket).is_some_and(|pending| {
                pending.partition == partition
                    && pending.kind() == RequestKind::Read
                    && pending.sent_to() != Some(reader)
            })
        });
        for (link, call) in moved {
            let Some(ticket) = self.calls.remove(link, call) else { continue };
            self.dispatch(now, ticket, effects);
        }
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome, effects: &mut Vec<GatewayEffect>) {
        let Some(pending) = self.requests.remove(ticket) else { return };
        if let Stage::Sent { link, call, .. } = pending.progress {
            self.calls.remove(link, call);
        }
        if let Some(counter) = pending.counter {
            self.update_ids.settle(counter);
        }
        complete(ticket, outcome, effects);
    }
}

fn complete(ticket: Ticket, outcome: Outcome, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::Complete { ticket, outcome });
}

#[cfg(test)]
mod tests;
