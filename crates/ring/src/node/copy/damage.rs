//! What a copy does when a row of it is not what was written, or when both copies turn out to differ.
//!
//! | found | by | what comes of it |
//! |---|---|---|
//! | a record or an answer that is damaged | a request | that request is turned away; the copy is damaged |
//! | the same, or a log entry that the other copy in sync needs, or whose request may be sent again | sending, comparing | the copy is damaged |
//! | any other log entry | sending, looking | the log is dropped so far: a joiner gets a snapshot |
//! | a copy that is damaged | its node, its controller | it leaves the view in favour of the other one, and is replaced by a snapshot |
//! | two copies that differ, and neither is damaged | comparing | an alarm: nobody can tell which one is right |

use protocol::id::Epoch;
use protocol::message::{Condition, FromNode};

use super::context::Context;
use super::id::CopyId;
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

/// The operator hears of a copy that is damaged.
pub(super) fn alarm_of_damage(cx: &mut Context<'_>, of: CopyId, what: &str) {
    let CopyId { member, partition, .. } = of;
    cx.alarm(format!(
        "the {member} copy of {partition} is damaged: {what}. What it cannot read it does not answer; it is \
         restored from the other copy as soon as that can serve alone"
    ));
}

/// The operator hears of a part of a log that is dropped for its damage.
pub(super) fn alarm_of_dropped_log(cx: &mut Context<'_>, of: CopyId, what: &str) {
    let CopyId { member, partition, .. } = of;
    cx.alarm(format!(
        "{what}: that part of the {member} copy's log of {partition} is dropped, no copy in sync needs it"
    ));
}
