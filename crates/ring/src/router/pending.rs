//! A client's request that is under way.

use protocol::id::{Epoch, PartitionId};
use protocol::message::{CallId, Operation};
use protocol::view::Member;

use super::{Outcome, Unavailable};
use crate::link::LinkId;
use crate::placement::Place;
use crate::time::Time;

/// A client's request that is under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) operation: Operation,
    /// The counter of its id, if it is an update.
    pub(super) counter: Option<u64>,
    pub(super) partition: PartitionId,
    pub(super) deadline: Time,
    pub(super) progress: Progress,
    /// It was sent over a link that was lost before the reply.
    is_adrift: bool,
    /// The last view under which it was refused.
    refused_at: Option<Epoch>,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// In the gateway.
    Waiting,
    /// On its way to a copy, or there.
    Sent { link: LinkId, call: CallId, to: (Place, Member), epoch: Epoch },
}

impl Pending {
    pub(super) fn new(
        operation: Operation,
        counter: Option<u64>,
        partition: PartitionId,
        deadline: Time,
    ) -> Self {
        let progress = Progress::Waiting;
        Self {
            operation,
            counter,
            partition,
            deadline,
            progress,
            is_adrift: false,
            refused_at: None,
        }
    }

    pub(super) fn is_update(&self) -> bool {
        self.counter.is_some()
    }

    pub(super) fn sent_to(&self) -> Option<Place> {
        match self.progress {
            Progress::Sent { to: (place, _), .. } => Some(place),
            Progress::Waiting => None,
        }
    }

    /// The link is gone over which it was sent.
    pub(super) fn link_lost(&mut self) {
        self.is_adrift = true;
        self.progress = Progress::Waiting;
    }

    /// The copy refused this send before writing anything. Sends before it are not answered by that.
    pub(super) fn refused(&mut self) {
        if let Progress::Sent { epoch, .. } = self.progress {
            self.refused_at = Some(epoch);
        }
        self.progress = Progress::Waiting;
    }

    /// Whether it was refused under this view already: it would be refused again.
    pub(super) fn was_refused_at(&self, epoch: Epoch) -> bool {
        self.refused_at == Some(epoch)
    }

    /// Whether it is an update that a copy may have carried out, or may still.
    pub(super) fn may_be_done(&self) -> bool {
        self.is_update() && (self.is_adrift || matches!(self.progress, Progress::Sent { .. }))
    }

    /// How it ends when nobody waits any longer.
    pub(super) fn outcome_at_deadline(&self) -> Outcome {
        if self.may_be_done() {
            Outcome::Unknown
        } else {
            Outcome::NotDone(Unavailable::DeadlinePassed)
        }
    }
}
