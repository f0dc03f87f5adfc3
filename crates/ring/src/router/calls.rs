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
    /// The most updates that are under way at a node and that a client still waits for. All nodes together may have as many as
    /// if one had its fill and each of the others half of it: a node that is slow does not take the others' places, and where all
    /// have much to do, nobody waits long.
    pub updates_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { reads_max: 512, updates_max: 256 }
    }
}

impl NodeLimits {
    /// The most updates that are under way at all nodes of a ring of this size.
    fn all_updates_max(&self, nodes: usize) -> usize {
        let others = self.updates_max.div_ceil(2).saturating_mul(nodes.saturating_sub(1));
        self.updates_max.saturating_add(others)
    }
}

/// What was sent and not replied to.
#[derive(Debug, Default)]
pub(super) struct Calls {
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

    /// Whether the node at the other end of a link has enough to do, or all nodes of the ring.
    pub(super) fn is_full(
        &self,
        link: LinkId,
        is_update: bool,
        (limits, nodes): (&NodeLimits, usize),
    ) -> bool {
        let Some(load) = self.loads.get(&link) else { return false };
        if is_update {
            load.updates >= limits.updates_max || self.updates >= limits.all_updates_max(nodes)
        } else {
            load.reads >= limits.reads_max
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_may_have_its_fill_and_the_others_half_of_it_but_one_at_least() {
        let all = |updates_max, nodes| {
            NodeLimits { updates_max, ..NodeLimits::default() }.all_updates_max(nodes)
        };
        assert_eq!((all(256, 2), all(256, 3), all(256, 7)), (384, 512, 1_024));
        assert_eq!((all(1, 2), all(1, 5), all(3, 3)), (2, 5, 7));
        assert_eq!(all(usize::MAX, 3), usize::MAX);
    }
}
