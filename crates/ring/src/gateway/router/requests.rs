//! The requests under way: by ticket, by deadline, and by the queue in which they wait.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::PartitionId;

use super::pending::{Pending, Since, Stage};
use super::routes::Routes;
use super::waiting::{Queue, Waiting};
use crate::gateway::request::{RequestKind, Ticket};
use crate::link::LinkId;
use crate::time::Time;

/// The requests under way.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: BTreeMap<Ticket, Pending>,
    deadlines: BTreeSet<(Time, Ticket)>,
    waiting: Waiting,
}

impl Requests {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// A request has come.
    pub(super) fn add(&mut self, ticket: Ticket, pending: Pending) {
        self.deadlines.insert((pending.deadline, ticket));
        self.pending.insert(ticket, pending);
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Pending> {
        self.pending.get(&ticket)
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Pending> {
        self.pending.get_mut(&ticket)
    }

    /// A request has ended.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Pending> {
        let pending = self.pending.remove(&ticket)?;
        self.deadlines.remove(&(pending.deadline, ticket));
        if let Some(queue) = pending.queue() {
            self.waiting.remove(queue, ticket);
        }
        Some(pending)
    }

    /// The first deadline, and its request.
    pub(super) fn first_deadline(&self) -> Option<(Time, Ticket)> {
        self.deadlines.first().copied()
    }

    /// A request waits for a view, or for the node that it names.
    pub(super) fn wait_for_view(&mut self, ticket: Ticket) {
        self.wait(ticket, Stage::WaitsForView);
    }

    /// A request waits for room at its node.
    pub(super) fn wait_for_room(&mut self, ticket: Ticket, since: Since) {
        self.wait(ticket, Stage::WaitsForRoom { since });
    }

    fn wait(&mut self, ticket: Ticket, progress: Stage) {
        let Some(pending) = self.pending.get_mut(&ticket) else { return };
        pending.progress = progress;
        if let Some(queue) = pending.queue() {
            self.waiting.add(queue, ticket);
        }
    }

    /// A request waits no longer: it is to be sent, or to wait anew.
    pub(super) fn end_waiting(&mut self, ticket: Ticket) {
        let Some(pending) = self.pending.get_mut(&ticket) else { return };
        if let Some(queue) = pending.queue() {
            self.waiting.remove(queue, ticket);
        }
        pending.progress = Stage::New;
    }

    /// All that wait for a partition's view or for room, in the order in which they came. None of
    /// them waits any longer.
    pub(super) fn take_waiting(&mut self, partition: PartitionId) -> BTreeSet<Ticket> {
        let tickets = self.waiting.take_all(partition);
        for ticket in &tickets {
            if let Some(pending) = self.pending.get_mut(ticket) {
                pending.progress = Stage::New;
            }
        }
        tickets
    }

    /// The partitions for which someone waits.
    pub(super) fn partitions_waited_for(&self) -> BTreeSet<PartitionId> {
        self.waiting.partitions()
    }

    /// Whether anyone waits for room at any node.
    pub(super) fn anyone_for_room(&self) -> bool {
        self.waiting.anyone_for_room()
    }

    /// Whether others that came before wait for room.
    pub(super) fn is_behind_others(
        &self,
        ticket: Ticket,
        partition: PartitionId,
        kind: RequestKind,
    ) -> bool {
        let first = self.waiting.first(Queue::ForRoom(partition, kind));
        first.is_some_and(|first| first < ticket)
    }

    /// Of all that wait for room at the node of a link, whoever waits longest.
    pub(super) fn first_for_room(
        &self,
        routes: &Routes,
        link: LinkId,
        kind: RequestKind,
    ) -> Option<Ticket> {
        let partitions = routes.partitions_served_over(link, kind);
        partitions.filter_map(|partition| self.waiting.first(Queue::ForRoom(partition, kind))).min()
    }
}
