//! Calls: what was sent to nodes and not replied to, and how much of it each node has.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::message::CallId;

use crate::gateway::request::{RequestKind, Ticket};
use crate::gateway::settings::NodeLimits;
use crate::link::LinkId;
use crate::time::{STANDSTILL, Time};

/// A node that has answered nothing for this long is silent: that time does not count as busy.
const SILENCE: Duration = Duration::from_millis(50);

/// What was sent and not replied to.
#[derive(Debug)]
pub(super) struct Calls {
    limits: NodeLimits,
    /// The total of updates from which on every node has half of its limit.
    all_updates_max: usize,
    calls: BTreeMap<(LinkId, CallId), Call>,
    links: BTreeMap<LinkId, AtLink>,
    /// Of all nodes.
    updates: usize,
    made: u64,
}

/// How a call travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// With others in one frame.
    Shared,
    /// Alone: it was in or behind a frame that its node could not read.
    Alone,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    ticket: Ticket,
    kind: RequestKind,
    framing: Framing,
    /// The call that was sent before this one over the same link.
    previous: Option<CallId>,
}

/// What is known of the node at the other end of a link.
#[derive(Debug, Default)]
struct AtLink {
    reads: Load,
    updates: Load,
    last_call: Option<CallId>,
}

impl AtLink {
    fn load(&self, kind: RequestKind) -> &Load {
        match kind {
            RequestKind::Read => &self.reads,
            RequestKind::Update => &self.updates,
        }
    }

    fn load_mut(&mut self, kind: RequestKind) -> &mut Load {
        match kind {
            RequestKind::Read => &mut self.reads,
            RequestKind::Update => &mut self.updates,
        }
    }
}

/// What a node has to do of one kind.
#[derive(Debug, Default)]
struct Load {
    under_way: usize,
    answered_at: Option<Time>,
    busy: Duration,
    /// The backlog of an outage: the requests up to this one. While the node works them off, it
    /// does not count as busy.
    backlog: Option<Ticket>,
}

impl Load {
    /// The node has answered a request.
    fn answered(&mut self, now: Time, ticket: Ticket, newest: Ticket) {
        let gap = self.answered_at.replace(now).map_or(SILENCE, |before| now.since(before));
        // A node that has answered nothing for this long stood still.
        if gap >= STANDSTILL {
            self.backlog = Some(newest);
        }
        if self.backlog.is_none_or(|last| last < ticket) {
            self.busy = self.busy.saturating_add(gap.min(SILENCE));
        }
    }
}

/// Who sent what a node could not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// This request, which was alone in its frame.
    Culprit(CallId),
    /// One of these requests: they were in that frame, or behind it.
    Suspects(Vec<Ticket>),
}

impl Calls {
    /// None yet, at the nodes of a ring of this size.
    pub(super) fn new(limits: NodeLimits, nodes: usize) -> Self {
        let others = half(limits.updates_max).saturating_mul(nodes.saturating_sub(1));
        Self {
            limits,
            all_updates_max: limits.updates_max.saturating_add(others),
            calls: BTreeMap::new(),
            links: BTreeMap::new(),
            updates: 0,
            made: 0,
        }
    }

    /// A request is sent.
    pub(super) fn add(
        &mut self,
        link: LinkId,
        ticket: Ticket,
        kind: RequestKind,
        framing: Framing,
    ) -> CallId {
        self.made = self.made.saturating_add(1);
        let call = CallId(self.made);
        let at = self.links.entry(link).or_default();
        let previous = at.last_call.replace(call);
        let load = at.load_mut(kind);
        load.under_way = load.under_way.saturating_add(1);
        if kind == RequestKind::Update {
            self.updates = self.updates.saturating_add(1);
        }
        self.calls.insert((link, call), Call { ticket, kind, framing, previous });
        call
    }

    /// A call is replied to, given up, or lost with its link: whose it was, if it was under way.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "what is removed was counted when it was added"
    )]
    pub(super) fn remove(&mut self, link: LinkId, call: CallId) -> Option<Ticket> {
        let Call { ticket, kind, .. } = self.calls.remove(&(link, call))?;
        if let Some(at) = self.links.get_mut(&link) {
            at.load_mut(kind).under_way -= 1;
        }
        if kind == RequestKind::Update {
            self.updates -= 1;
        }
        Some(ticket)
    }

    /// A node has replied to a call, of whomever it was: the kind of the call, if it was not given
    /// up. `newest` is the last request that has come.
    pub(super) fn answered(
        &mut self,
        now: Time,
        link: LinkId,
        call: CallId,
        newest: Ticket,
    ) -> Option<RequestKind> {
        let Call { ticket, kind, .. } = *self.calls.get(&(link, call))?;
        self.links.get_mut(&link)?.load_mut(kind).answered(now, ticket, newest);
        Some(kind)
    }

    /// A node serves again what waited for it or for its view: the requests up to the newest one.
    pub(super) fn begin_backlog(&mut self, link: LinkId, kind: RequestKind, newest: Ticket) {
        self.links.entry(link).or_default().load_mut(kind).backlog = Some(newest);
    }

    /// For how long a node was busy with requests of a kind since its link is up: it answered some
    /// all the time, and they were not the backlog of an outage.
    pub(super) fn busy(&self, link: LinkId, kind: RequestKind) -> Duration {
        self.links.get(&link).map_or(Duration::ZERO, |at| at.load(kind).busy)
    }

    /// A link is gone: the requests that were under way over it.
    pub(super) fn lost(&mut self, link: LinkId) -> Vec<Ticket> {
        let of_link = (link, CallId(0))..=(link, CallId(u64::MAX));
        let calls = self.calls.range(of_link).map(|((_, call), _)| *call).collect::<Vec<_>>();
        let tickets = calls.into_iter().filter_map(|call| self.remove(link, call)).collect();
        self.links.remove(&link);
        tickets
    }

    /// A node could not read a frame, and has read every request up to `understood`. Who was alone
    /// in a frame and follows right on that is the culprit.
    pub(super) fn unread(&self, link: LinkId, understood: Option<CallId>) -> Unread {
        let behind = (link, understood.map_or(CallId(0), next))..=(link, CallId(u64::MAX));
        let mut unread = self.calls.range(behind).peekable();
        match unread.peek() {
            Some(((_, call), Call { framing: Framing::Alone, previous, .. }))
                if *previous <= understood =>
            {
                Unread::Culprit(*call)
            }
            _ => Unread::Suspects(unread.map(|(_, call)| call.ticket).collect()),
        }
    }

    /// All of requests for which something holds.
    pub(super) fn of(&self, holds: impl Fn(Ticket) -> bool) -> Vec<(LinkId, CallId)> {
        let calls = self.calls.iter().filter(|(_, call)| holds(call.ticket));
        calls.map(|(call, _)| *call).collect()
    }

    /// Whether the node at the other end of a link has enough to do.
    pub(super) fn is_full(&self, link: LinkId, kind: RequestKind) -> bool {
        let Some(at) = self.links.get(&link) else { return false };
        let NodeLimits { reads_max, updates_max } = self.limits;
        let max = match kind {
            RequestKind::Read => reads_max,
            RequestKind::Update if self.updates >= self.all_updates_max => half(updates_max),
            RequestKind::Update => updates_max,
        };
        at.load(kind).under_way >= max
    }
}

/// Half of a node's limit, which is one update at least.
fn half(updates_max: usize) -> usize {
    updates_max.div_ceil(2)
}

fn next(call: CallId) -> CallId {
    CallId(call.0.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many updates each node of a ring takes, where one after the other is asked for as many
    /// as it can take.
    fn taken(updates_max: usize, nodes: u64) -> Vec<usize> {
        let limits = NodeLimits { updates_max, ..NodeLimits::default() };
        let mut calls = Calls::new(limits, nodes as usize);
        let mut taken = Vec::new();
        for link in (0..nodes).map(LinkId) {
            let before = calls.updates;
            while !calls.is_full(link, RequestKind::Update) {
                calls.add(link, Ticket(0), RequestKind::Update, Framing::Shared);
            }
            taken.push(calls.updates - before);
        }
        taken
    }

    #[test]
    fn every_node_may_have_half_of_its_limit_whatever_the_others_have() {
        assert_eq!(taken(256, 2), [256, 128]);
        assert_eq!(taken(256, 3), [256, 256, 128]);
        assert_eq!(taken(256, 5), [256, 256, 256, 128, 128]);
        assert_eq!(taken(1, 4), [1, 1, 1, 1]);
        assert_eq!(taken(3, 3), [3, 3, 2]);
    }

    #[test]
    fn what_is_replied_to_makes_room() {
        let mut calls = Calls::new(NodeLimits { updates_max: 2, ..NodeLimits::default() }, 2);
        let links = [LinkId(0), LinkId(1)];
        let update = RequestKind::Update;
        let first = links.map(|link| calls.add(link, Ticket(0), update, Framing::Shared));
        calls.add(links[0], Ticket(1), update, Framing::Shared);
        assert!(links.into_iter().all(|link| calls.is_full(link, update)));
        calls.remove(links[0], first[0]);
        assert!(!links.into_iter().any(|link| calls.is_full(link, update)));
    }

    #[test]
    fn a_silent_node_is_not_busy() {
        let mut calls = Calls::new(NodeLimits::default(), 2);
        let (link, read) = (LinkId(0), RequestKind::Read);
        let call = calls.add(link, Ticket(1), read, Framing::Shared);
        let at = |ms| Time::at(Duration::from_millis(ms));
        for ms in [100, 110, 120] {
            assert_eq!(calls.answered(at(ms), link, call, Ticket(1)), Some(read));
        }
        let before = calls.busy(link, read);
        calls.answered(at(1_000), link, call, Ticket(1));
        assert_eq!(calls.busy(link, read) - before, SILENCE);
        assert_eq!(calls.busy(link, RequestKind::Update), Duration::ZERO);
    }

    #[test]
    fn a_node_that_works_off_what_waited_for_it_is_not_busy() {
        let mut calls = Calls::new(NodeLimits::default(), 2);
        let (link, read) = (LinkId(0), RequestKind::Read);
        let [old, new] =
            [1, 2].map(|ticket| calls.add(link, Ticket(ticket), read, Framing::Shared));
        let at = |ms| Time::at(Duration::from_millis(ms));
        calls.answered(at(100), link, old, Ticket(1));
        let before = calls.busy(link, read);
        for (ms, call) in [(1_100, old), (1_110, old), (1_120, old)] {
            calls.answered(at(ms), link, call, Ticket(1));
        }
        assert_eq!(calls.busy(link, read), before, "it stood still, and then served who waited");
        calls.answered(at(1_130), link, new, Ticket(2));
        assert_eq!(calls.busy(link, read) - before, Duration::from_millis(10));
        calls.begin_backlog(link, read, Ticket(2));
        calls.answered(at(1_140), link, new, Ticket(3));
        assert_eq!(calls.busy(link, read) - before, Duration::from_millis(10));
    }

    #[test]
    fn only_who_was_alone_right_behind_what_was_read_is_the_culprit() {
        let mut calls = Calls::new(NodeLimits::default(), 2);
        let mut add =
            |ticket, framing| calls.add(LinkId(0), Ticket(ticket), RequestKind::Update, framing);
        let first = add(1, Framing::Shared);
        let second = add(2, Framing::Shared);
        let alone = add(3, Framing::Alone);
        let suspects =
            |tickets: &[u64]| Unread::Suspects(tickets.iter().copied().map(Ticket).collect());
        assert_eq!(calls.unread(LinkId(0), None), suspects(&[1, 2, 3]));
        assert_eq!(calls.unread(LinkId(0), Some(first)), suspects(&[2, 3]));
        assert_eq!(calls.unread(LinkId(0), Some(second)), Unread::Culprit(alone));
        assert_eq!(calls.unread(LinkId(0), Some(alone)), suspects(&[]));
        // The request before it was given up, and may have been in the frame that was not read.
        calls.remove(LinkId(0), second);
        assert_eq!(calls.unread(LinkId(0), Some(first)), suspects(&[3]));
    }
}
