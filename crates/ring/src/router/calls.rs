//! Calls: what was sent to nodes and not replied to, and how much of it each node has.

use std::collections::BTreeMap;

use protocol::message::CallId;

use super::Ticket;
use crate::link::LinkId;

/// How much a node may have to do at once, before clients are turned away.
///
/// A node takes updates in groups, each with one sync: as many as arrive while the one before is being written. More of them under
/// way than make a group add nothing but the time that each waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLimits {
    /// The most reads that are under way at a node and that a client still waits for.
    pub reads_max: usize,
    /// The most updates that are under way at a node and that a client still waits for. Half of that each node may have whatever
    /// the others have; more than half only while all together have no more than if one had its fill and each of the others
    /// half of it. So nobody waits long where all have much to do, and nodes that are slow take no place from the others.
    pub updates_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { reads_max: 512, updates_max: 256 }
    }
}

/// What was sent and not replied to.
#[derive(Debug)]
pub(super) struct Calls {
    limits: NodeLimits,
    /// Where all nodes together have this many updates, each has half of its fill at most.
    all_updates_max: usize,
    tickets: BTreeMap<(LinkId, CallId), Call>,
    loads: BTreeMap<LinkId, Load>,
    /// Of all nodes.
    updates: usize,
    made: u64,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    ticket: Ticket,
    is_update: bool,
}

#[derive(Debug, Default)]
struct Load {
    reads: usize,
    updates: usize,
}

impl Load {
    fn of(&mut self, is_update: bool) -> &mut usize {
        if is_update { &mut self.updates } else { &mut self.reads }
    }
}

impl Calls {
    /// None yet, at the nodes of a ring of this size.
    pub(super) fn new(limits: NodeLimits, nodes: usize) -> Self {
        let others = half(limits.updates_max).saturating_mul(nodes.saturating_sub(1));
        Self {
            limits,
            all_updates_max: limits.updates_max.saturating_add(others),
            tickets: BTreeMap::new(),
            loads: BTreeMap::new(),
            updates: 0,
            made: 0,
        }
    }

    /// A request is sent.
    pub(super) fn add(&mut self, link: LinkId, ticket: Ticket, is_update: bool) -> CallId {
        self.made = self.made.saturating_add(1);
        let call = CallId(self.made);
        self.tickets.insert((link, call), Call { ticket, is_update });
        let load = self.loads.entry(link).or_default().of(is_update);
        *load = load.saturating_add(1);
        self.updates = self.updates.saturating_add(usize::from(is_update));
        call
    }

    /// A call is replied to, given up, or lost with its link: whose it was, if it was under way.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "what is removed was counted when it was added"
    )]
    pub(super) fn remove(&mut self, link: LinkId, call: CallId) -> Option<Ticket> {
        let Call { ticket, is_update } = self.tickets.remove(&(link, call))?;
        if let Some(load) = self.loads.get_mut(&link) {
            *load.of(is_update) -= 1;
            self.updates -= usize::from(is_update);
            if load.reads == 0 && load.updates == 0 {
                self.loads.remove(&link);
            }
        }
        Some(ticket)
    }

    /// All that were sent over a link.
    pub(super) fn of_link(&self, link: LinkId) -> Vec<CallId> {
        let of_link = (link, CallId(0))..=(link, CallId(u64::MAX));
        self.tickets.range(of_link).map(|((_, call), _)| *call).collect()
    }

    /// All of requests for which something holds.
    pub(super) fn of(&self, holds: impl Fn(Ticket) -> bool) -> Vec<(LinkId, CallId)> {
        let calls = self.tickets.iter().filter(|(_, call)| holds(call.ticket));
        calls.map(|(call, _)| *call).collect()
    }

    /// Whether the node at the other end of a link has enough to do.
    pub(super) fn is_full(&self, link: LinkId, is_update: bool) -> bool {
        let Some(Load { reads, updates }) = self.loads.get(&link) else { return false };
        let NodeLimits { reads_max, updates_max } = self.limits;
        if !is_update {
            return *reads >= reads_max;
        }
        let all_are_busy = self.updates >= self.all_updates_max;
        *updates >= if all_are_busy { half(updates_max) } else { updates_max }
    }
}

/// Half of a node's fill, which is one update at least.
fn half(updates_max: usize) -> usize {
    updates_max.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many updates each node of a ring takes, where one after the other is asked for as many as it can take.
    fn taken(updates_max: usize, nodes: u64) -> Vec<usize> {
        let limits = NodeLimits { updates_max, ..NodeLimits::default() };
        let mut calls = Calls::new(limits, nodes as usize);
        let mut taken = Vec::new();
        for link in (0..nodes).map(LinkId) {
            let before = calls.updates;
            while !calls.is_full(link, true) {
                calls.add(link, Ticket(0), true);
            }
            taken.push(calls.updates - before);
        }
        taken
    }

    #[test]
    fn each_node_may_have_half_of_its_fill_whatever_the_others_have() {
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
        let first = links.map(|link| calls.add(link, Ticket(0), true));
        calls.add(links[0], Ticket(1), true);
        assert!(links.into_iter().all(|link| calls.is_full(link, true)));
        calls.remove(links[0], first[0]);
        assert!(!links.into_iter().any(|link| calls.is_full(link, true)));
    }
}
