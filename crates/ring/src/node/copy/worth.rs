//! What a copy is worth, and how the controller hears of it.

use protocol::id::Epoch;
use protocol::message::{Condition, FromNode};

use super::context::Context;
use super::replica::Replica;

/// What a copy is worth, under the view that it acts on; as the controller was told last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    epoch: Epoch,
    condition: Condition,
}

impl Worth {
    /// What a copy is worth now.
    pub(super) fn of(replica: &Replica) -> Self {
        let epoch = replica.view().map_or(Epoch::default(), |view| view.epoch);
        Self { epoch, condition: replica.integrity.condition() }
    }

    /// The controller hears what the copy is worth, where that is news or the view is.
    pub(super) fn tell(&mut self, cx: &mut Context<'_>, replica: &Replica) {
        let worth = Self::of(replica);
        if cx.gateway.is_some() && *self != worth {
            *self = worth;
            let (partition, Self { epoch, condition }) = (replica.id.partition, worth);
            cx.tell_gateway(FromNode::Condition { partition, epoch, condition });
        }
    }
}
