//! The router: brings each client's request to the copy that serves it, and back an outcome that can be relied on.
//!
//! ```text
//!  submit          a copy can serve it           reply: done
//!  -------> Waiting ----------------> Sent ---------------------> Done
//!             ^  |                     |  |
//!             |  | deadline, or        |  | deadline
//!             |  | home known down     |  |
//!             |  v                     |  v
//!             | NotDone                | NotDone (reads, refused updates), Unknown (updates)
//!             +------------------------+
//!               link lost, fenced, or the view moved the reader
//! ```
//!
//! Where requests go is said by the published view alone: reads to its reader, updates to home. Reads move after the
//! view (rule 7): they wait for it where the reader is gone.
//!
//! Rule 13: an update that was handed to a link ends as *done* or *unknown*, unless every send of it was refused before
//! writing. Rule 12: it keeps its id over all its sends, and each send says which ids may still be sent.

mod calls;
mod outcome;
mod pending;

pub use calls::NodeLimits;
pub use outcome::{ClientRequest, Outcome, ServedBy, Ticket, Unavailable, etag};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use protocol::id::{GatewayBoot, PartitionId, RequestId};
use protocol::message::{CallId, Operation, Reply, Request, ToNode, Update};
use protocol::view::{Member, View};

use self::calls::Calls;
use self::pending::{Pending, Progress};
use crate::controller::{Published, Service};
use crate::gateway::{GatewayEffect, GatewaySettings};
use crate::link::LinkId;
use crate::placement::{Place, Ring};
use crate::time::{Time, earliest};

/// The router of a gateway.
#[derive(Debug)]
pub(crate) struct Router {
    ring: Ring,
    boot: GatewayBoot,
    in_flight_max: usize,
    /// Until then, a home that is not linked is taken to be on its way.
    grace_until: Option<Time>,
    /// Whether there is a cluster.
    is_formed: bool,
    views: BTreeMap<PartitionId, (View, Service)>,
    links: BTreeMap<Place, LinkId>,
    /// The nodes that are linked and wait for their welcome.
    arriving: BTreeMap<Place, LinkId>,
    pending: BTreeMap<Ticket, Pending>,
    /// What can not be sent now, in the order in which it came.
    waiting: BTreeMap<PartitionId, VecDeque<Ticket>>,
    calls: Calls,
    deadlines: BTreeSet<(Time, Ticket)>,
    updates_taken: u64,
    /// The counters of updates that may be sent again.
    unsettled: BTreeSet<u64>,
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
            ring,
            boot,
            in_flight_max: settings.in_flight_max,
            grace_until: Some(grace_until),
            is_formed: false,
            views: BTreeMap::new(),
            links: BTreeMap::new(),
            arriving: BTreeMap::new(),
            pending: BTreeMap::new(),
            waiting: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            updates_taken: 0,
            unsettled: BTreeSet::new(),
        }
    }

    /// How many requests are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.pending.len()
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
        let partition = self.ring.partition_of(request.id());
        let is_full = self.pending.len() >= self.in_flight_max;
        if is_full || self.is_node_full(partition, request.is_update()) {
            return complete(ticket, Outcome::NotDone(Unavailable::Overloaded), effects);
        }
        let (operation, counter) = match request {
            ClientRequest::Read(id) => (Operation::Read(id), None),
            ClientRequest::Update(action) => {
                self.updates_taken = self.updates_taken.saturating_add(1);
                let request = RequestId { boot: self.boot, counter: self.updates_taken };
                self.unsettled.insert(request.counter);
                (
                    Operation::Update(Update { request, unsettled_from: 0, action }),
                    Some(request.counter),
                )
            }
        };
        let deadline = now + time_allowed;
        self.deadlines.insert((deadline, ticket));
        self.pending.insert(ticket, Pending::new(operation, counter, partition, deadline));
        self.dispatch(now, ticket, effects);
    }

    /// What the controller has published.
    pub(crate) fn follow(
        &mut self,
        now: Time,
        published: Published,
        effects: &mut Vec<GatewayEffect>,
    ) {
        match published {
            Published::Unknown(partition) => {
                self.is_formed = true;
                self.views.remove(&partition);
            }
            Published::View(view, service) => {
                self.is_formed = true;
                self.views.insert(view.partition, (view, service));
                self.move_reads(now, view.partition, effects);
                self.dispatch_waiting(now, view.partition, effects);
            }
            Published::Welcomed(place, link) => {
                self.arriving.remove(&place);
                self.links.insert(place, link);
                for partition in self.partitions_at(place) {
                    self.dispatch_waiting(now, partition, effects);
                }
            }
        }
    }

    /// A node is linked; its welcome is to come.
    pub(crate) fn arriving(&mut self, place: Place, link: LinkId) {
        self.arriving.insert(place, link);
    }

    /// A link is gone: what was sent over it and not replied to has an unknown fate. It waits to be sent again.
    pub(crate) fn link_lost(&mut self, now: Time, link: LinkId, effects: &mut Vec<GatewayEffect>) {
        self.links.retain(|_, known| *known != link);
        if let Some((place, _)) = self.arriving.iter().find(|(_, known)| **known == link) {
            let place = *place;
            self.arriving.remove(&place);
            for partition in self.partitions_at(place) {
                self.dispatch_waiting(now, partition, effects);
            }
        }
        for call in self.calls.of_link(link) {
            let Some(ticket) = self.calls.remove(link, call) else { continue };
            if let Some(pending) = self.pending.get_mut(&ticket) {
                pending.link_lost();
            }
            self.dispatch(now, ticket, effects);
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
        let Some(ticket) = self.calls.remove(link, call) else { return };
        let Some(pending) = self.pending.get_mut(&ticket) else { return };
        match reply {
            Reply::Done(answer) => {
                let Progress::Sent { to: (place, member), epoch, .. } = pending.progress else {
                    return;
                };
                let served_by = ServedBy { node: self.ring.node_at(place).clone(), member, epoch };
                self.settle(ticket, Outcome::Done { answer, served_by }, effects);
            }
            Reply::Fenced => {
                pending.refused();
                self.dispatch(now, ticket, effects);
            }
            // Its id is not below the window and is of this boot, or it would not be pending: whoever says otherwise
            // cannot be relied on.
            Reply::Settled => self.settle(ticket, Outcome::Unknown, effects),
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time, effects: &mut Vec<GatewayEffect>) {
        while let Some((_, ticket)) =
            self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now)
        {
            let outcome = self.pending.get(&ticket).map(Pending::outcome_at_deadline);
            self.settle(ticket, outcome.unwrap_or(Outcome::Unknown), effects);
        }
        if self.grace_until.take_if(|grace_until| *grace_until <= now).is_some() {
            effects.push(GatewayEffect::Changed);
            for partition in self.waiting.keys().copied().collect::<Vec<_>>() {
                self.dispatch_waiting(now, partition, effects);
            }
        }
    }

    /// When to tick at the latest.
    pub(crate) fn deadline(&self) -> Option<Time> {
        earliest([self.deadlines.first().map(|(deadline, _)| *deadline), self.grace_until])
    }

    /// Sends a request if a copy can take it; ends it if none will; else it waits.
    fn dispatch(&mut self, now: Time, ticket: Ticket, effects: &mut Vec<GatewayEffect>) {
        let Some(pending) = self.pending.get(&ticket) else { return };
        let partition = pending.partition;
        let Some((view, service)) = self.views.get(&partition).copied() else {
            return self.wait(ticket);
        };
        if service == Service::Lost {
            return self.cannot_be_served(ticket, Unavailable::Lost, effects);
        }
        let member = wanted_member(pending.is_update(), &view);
        let place = self.ring.holder(partition, member);
        let in_grace = self.grace_until.is_some_and(|grace_until| now < grace_until);
        let is_awaited = in_grace || self.arriving.contains_key(&place);
        match self.links.get(&place).copied() {
            Some(_) if pending.is_update() && !view.in_sync.has_primary() => {
                self.cannot_be_served(ticket, Unavailable::NoPrimary, effects)
            }
            Some(_) if pending.was_refused_at(view.epoch) => self.wait(ticket),
            Some(link) => self.send(ticket, link, (place, member), &view, effects),
            None if pending.is_update() && !is_awaited => {
                self.cannot_be_served(ticket, Unavailable::NoPrimary, effects)
            }
            None => self.wait(ticket),
        }
    }

    /// Nobody can serve a request. If it is an update that was sent before, it may have been done: its deadline decides.
    fn cannot_be_served(
        &mut self,
        ticket: Ticket,
        why: Unavailable,
        effects: &mut Vec<GatewayEffect>,
    ) {
        if self.pending.get(&ticket).is_some_and(Pending::may_be_done) {
            self.wait(ticket);
        } else {
            self.settle(ticket, Outcome::NotDone(why), effects);
        }
    }

    fn wait(&mut self, ticket: Ticket) {
        if let Some(pending) = self.pending.get_mut(&ticket) {
            pending.progress = Progress::Waiting;
            self.waiting.entry(pending.partition).or_default().push_back(ticket);
        }
    }

    fn send(
        &mut self,
        ticket: Ticket,
        link: LinkId,
        to: (Place, Member),
        view: &View,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let Some(pending) = self.pending.get_mut(&ticket) else { return };
        let call = self.calls.add(link, ticket, pending.is_update());
        let mut operation = pending.operation.clone();
        if let Operation::Update(update) = &mut operation {
            update.unsettled_from =
                self.unsettled.first().copied().unwrap_or(update.request.counter);
        }
        pending.progress = Progress::Sent { link, call, to, epoch: view.epoch };
        let request =
            Request { call, partition: view.partition, member: to.1, epoch: view.epoch, operation };
        effects.push(GatewayEffect::send(link, ToNode::Request(request)));
    }

    fn dispatch_waiting(
        &mut self,
        now: Time,
        partition: PartitionId,
        effects: &mut Vec<GatewayEffect>,
    ) {
        for ticket in self.waiting.remove(&partition).unwrap_or_default() {
            self.dispatch(now, ticket, effects);
        }
    }

    /// Reads that another copy now has to answer are sent there; what the one before still says is not heard.
    fn move_reads(&mut self, now: Time, partition: PartitionId, effects: &mut Vec<GatewayEffect>) {
        let Some((view, _)) = self.views.get(&partition) else { return };
        let reader = self.ring.holder(partition, view.in_sync.reader());
        let moved = self.calls.of(|ticket| {
            self.pending.get(&ticket).is_some_and(|pending| {
                pending.partition == partition
                    && !pending.is_update()
                    && pending.sent_to() != Some(reader)
            })
        });
        for (link, call) in moved {
            let Some(ticket) = self.calls.remove(link, call) else { continue };
            self.dispatch(now, ticket, effects);
        }
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome, effects: &mut Vec<GatewayEffect>) {
        let Some(pending) = self.pending.remove(&ticket) else { return };
        self.deadlines.remove(&(pending.deadline, ticket));
        if let Progress::Sent { link, call, .. } = pending.progress {
            self.calls.remove(link, call);
        } else if let Some(waiting) = self.waiting.get_mut(&pending.partition) {
            waiting.retain(|waiting| *waiting != ticket);
            if waiting.is_empty() {
                self.waiting.remove(&pending.partition);
            }
        }
        if let Some(counter) = pending.counter {
            self.unsettled.remove(&counter);
        }
        complete(ticket, outcome, effects);
    }

    /// Whether the node that a request would be sent to has enough to do. What waits for a node or a view, and is sent when that is
    /// there, is not turned away.
    fn is_node_full(&self, partition: PartitionId, is_update: bool) -> bool {
        let Some((view, _)) = self.views.get(&partition) else { return false };
        let member = wanted_member(is_update, view);
        let link = self.links.get(&self.ring.holder(partition, member));
        link.is_some_and(|link| self.calls.is_full(*link, is_update))
    }

    fn partitions_at(&self, place: Place) -> [PartitionId; 2] {
        Member::ALL.map(|member| self.ring.partition_at(place, member))
    }
}

/// The copy that a request goes to under a view.
fn wanted_member(is_update: bool, view: &View) -> Member {
    if is_update { Member::Home } else { view.in_sync.reader() }
}

fn complete(ticket: Ticket, outcome: Outcome, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::Complete { ticket, outcome });
}
