//! A client's request that is under way.

use std::time::Duration;

use protocol::id::{Epoch, PartitionId};
use protocol::message::{CallId, Operation};
use protocol::view::Member;

use super::calls::Framing;
use super::waiting::Queue;
use crate::gateway::request::{Outcome, RequestKind, Unavailable};
use crate::link::LinkId;
use crate::placement::Place;
use crate::time::Time;

/// So long a request waits for room at a node that answers others; then it is turned away.
const ROOM_WAIT_MAX: Duration = Duration::from_millis(250);

/// A client's request that is under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) operation: Operation,
    /// The counter of its id, if it is an update.
    pub(super) counter: Option<u64>,
    pub(super) partition: PartitionId,
    pub(super) deadline: Time,
    pub(super) progress: Stage,
    /// How its next send travels.
    pub(super) framing: Framing,
    /// It was sent over a link that was lost before the reply.
    is_adrift: bool,
    /// The last view under which it was refused.
    refused_at: Option<Epoch>,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is to be sent, or to wait.
    New,
    /// In the gateway, until the view or the node that it needs is there.
    WaitsForView,
    /// In the gateway, until the node has room.
    WaitsForRoom { since: Since },
    /// On its way to a copy, or there.
    Sent { link: LinkId, call: CallId, to: Destination, epoch: Epoch },
}

/// The copy that a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) place: Place,
    pub(super) member: Member,
}

/// When a request began to wait for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Since {
    /// The moment.
    pub(super) now: Time,
    /// For how long the node had been busy.
    pub(super) busy: Duration,
}

impl Pending {
    pub(super) fn new(
        operation: Operation,
        counter: Option<u64>,
        partition: PartitionId,
        deadline: Time,
    ) -> Self {
        Self {
            operation,
            counter,
            partition,
            deadline,
            progress: Stage::New,
            framing: Framing::Shared,
            is_adrift: false,
            refused_at: None,
        }
    }

    pub(super) fn kind(&self) -> RequestKind {
        if self.counter.is_some() { RequestKind::Update } else { RequestKind::Read }
    }

    pub(super) fn sent_to(&self) -> Option<Place> {
        match self.progress {
            Stage::Sent { to: Destination { place, .. }, .. } => Some(place),
            Stage::New | Stage::WaitsForView | Stage::WaitsForRoom { .. } => None,
        }
    }

    /// Where it waits, if it does.
    pub(super) fn queue(&self) -> Option<Queue> {
        match self.progress {
            Stage::WaitsForView => Some(Queue::ForView(self.partition)),
            Stage::WaitsForRoom { .. } => Some(Queue::ForRoom(self.partition, self.kind())),
            Stage::New | Stage::Sent { .. } => None,
        }
    }

    /// The link is gone over which it was sent.
    pub(super) fn link_lost(&mut self) {
        self.is_adrift = true;
        self.progress = Stage::New;
    }

    /// The copy refused this send before writing anything. Sends before it are not answered by
    /// that.
    pub(super) fn refused(&mut self) {
        if let Stage::Sent { epoch, .. } = self.progress {
            self.refused_at = Some(epoch);
        }
        self.progress = Stage::New;
    }

    /// Whether it was refused under this view already: it would be refused again.
    pub(super) fn was_refused_at(&self, epoch: Epoch) -> bool {
        self.refused_at == Some(epoch)
    }

    /// Whether it has waited for room for too long: its node was busy with others, for `busy` since
    /// its link is up.
    pub(super) fn has_waited_for_room(&self, now: Time, busy: Duration) -> bool {
        let Stage::WaitsForRoom { since } = self.progress else { return false };
        let busy = busy.saturating_sub(since.busy);
        now.since(since.now) >= ROOM_WAIT_MAX && busy >= ROOM_WAIT_MAX
    }

    /// Whether it is an update that a copy may have carried out, or may still.
    pub(super) fn may_be_done(&self) -> bool {
        let is_sent = matches!(self.progress, Stage::Sent { .. });
        self.kind() == RequestKind::Update && (self.is_adrift || is_sent)
    }

    /// How it ends when nobody waits any longer.
    pub(super) fn outcome_at_deadline(&self) -> Outcome {
        if self.may_be_done() {
            Outcome::Unknown
        } else {
            Outcome::NotDone(Unavailable::DeadlinePassed)
        }
    }

    /// How it ends when its node cannot decode it.
    pub(super) fn outcome_if_undecodable(&self) -> Outcome {
        match self.kind() {
            RequestKind::Read => Outcome::NotDone(Unavailable::Undecodable),
            RequestKind::Update => Outcome::Unknown,
        }
    }
}
