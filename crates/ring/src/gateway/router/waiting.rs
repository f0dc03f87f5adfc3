//! Requests that wait in the gateway, in the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::PartitionId;

use crate::gateway::request::{RequestKind, Ticket};

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Queue {
    /// A view that can be served, or the node that it names.
    ForView(PartitionId),
    /// Room at the node, which has enough to do.
    ForRoom(PartitionId, RequestKind),
}

/// Requests that wait. Tickets are numbered in the order in which requests came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queues: BTreeMap<Queue, BTreeSet<Ticket>>,
}

impl Waiting {
    pub(super) fn add(&mut self, queue: Queue, ticket: Ticket) {
        self.queues.entry(queue).or_default().insert(ticket);
    }

    pub(super) fn remove(&mut self, queue: Queue, ticket: Ticket) {
        if let Some(tickets) = self.queues.get_mut(&queue) {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.queues.remove(&queue);
            }
        }
    }

    /// Takes all that wait for a partition's view or for room, in order.
    pub(super) fn take_all(&mut self, partition: PartitionId) -> BTreeSet<Ticket> {
        let queues = [
            Queue::ForView(partition),
            Queue::ForRoom(partition, RequestKind::Read),
            Queue::ForRoom(partition, RequestKind::Update),
        ];
        queues.iter().filter_map(|queue| self.queues.remove(queue)).flatten().collect()
    }

    /// Whoever waits longest in a queue.
    pub(super) fn first(&self, queue: Queue) -> Option<Ticket> {
        self.queues.get(&queue)?.first().copied()
    }

    /// Whether anyone waits for room at any node.
    pub(super) fn anyone_for_room(&self) -> bool {
        // These queues come last in the order of the map.
        matches!(self.queues.last_key_value(), Some((Queue::ForRoom(..), _)))
    }

    /// The partitions for which someone waits.
    pub(super) fn partitions(&self) -> BTreeSet<PartitionId> {
        let partition = |queue: &Queue| match queue {
            Queue::ForView(partition) | Queue::ForRoom(partition, _) => *partition,
        };
        self.queues.keys().map(partition).collect()
    }
}
