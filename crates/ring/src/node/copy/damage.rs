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

use super::PartitionCopy;
use super::context::{Context, Fault};

impl PartitionCopy {
    /// Goes on after damage was found in this copy.
    pub(super) fn bear_damage(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Err(Fault::Damaged(what)) = outcome else { return outcome };
        if self.replica.mark_damaged(cx) {
            let (member, partition) = (self.replica.member(), self.partition());
            cx.alarm(format!(
                "the {member} copy of {partition} is damaged: {what}. What it cannot read it does not answer; it is \
                 restored from the other copy as soon as that can serve alone"
            ));
            if !self.replica.is_counted_on() {
                self.begin_greeting(cx);
            }
        }
        self.tell_condition(cx);
        Ok(())
    }

    /// The controller hears what the copy is worth, where that is news or the view is.
    pub(super) fn tell_condition(&mut self, cx: &mut Context<'_>) {
        let worth = self.worth();
        if cx.gateway.is_some() && self.told != worth {
            self.told = worth;
            let (partition, (epoch, condition)) = (self.partition(), worth);
            cx.tell_gateway(FromNode::Condition { partition, epoch, condition });
        }
    }

    /// What the copy is worth, under the view that it acts on.
    pub(super) fn worth(&self) -> (Epoch, Condition) {
        let epoch = self.view().map_or(Epoch::default(), |view| view.epoch);
        (epoch, self.replica.condition())
    }

    pub(super) fn tell_of_dropped_log(&self, cx: &mut Context<'_>, what: &str) {
        let (member, partition) = (self.replica.member(), self.partition());
        cx.alarm(format!(
            "{what}: that part of the {member} copy's log of {partition} is dropped, no copy in sync needs it"
        ));
    }
}
