//! How long a source is without a session, and what the gateway was told of it.

use protocol::id::{Epoch, PartitionId};
use protocol::message::FromNode;

use crate::node::copy::context::Context;
use crate::time::Time;

/// The time without a session.
#[derive(Debug)]
pub(super) struct Downtime {
    /// When the last session ended.
    since: Time,
    /// The gateway was told that next cannot be reached, under the view of this epoch.
    reported: Option<Epoch>,
}

impl Downtime {
    pub(super) fn from(now: Time) -> Self {
        Self { since: now, reported: None }
    }

    /// When the last session ended.
    pub(super) fn since(&self) -> Time {
        self.since
    }

    /// The downtime counts from this moment.
    pub(super) fn begin(&mut self, since: Time) {
        self.since = since;
    }

    /// The gateway has a new link: what was reported on the one before is over.
    pub(super) fn forget_report(&mut self) {
        self.reported = None;
    }

    /// Whether the gateway was told under the view of this epoch.
    pub(super) fn is_reported(&self, epoch: Epoch) -> bool {
        self.reported == Some(epoch)
    }

    /// Tells the gateway that next cannot be reached.
    pub(super) fn report(&mut self, cx: &mut Context<'_>, partition: PartitionId, epoch: Epoch) {
        self.reported = Some(epoch);
        cx.tell_gateway(FromNode::NextUnreachable { partition, epoch });
    }

    /// Tells the gateway that next can be reached again, if it was told of the downtime.
    pub(super) fn end(&mut self, cx: &mut Context<'_>, partition: PartitionId) {
        if self.reported.take().is_some() {
            cx.tell_gateway(FromNode::NextReachable { partition });
        }
    }
}
