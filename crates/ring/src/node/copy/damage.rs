//! What a copy does when a row of it is not what was written, or when both copies turn out to
//! differ.
//!
//! | found | by | what comes of it |
//! |---|---|---|
//! | a damaged record or answer | a request | the request is turned away; damaged copy |
//! | the same, or a needed log entry | sending, comparing | damaged copy |
//! | any other log entry | sending, looking | the log is dropped so far |
//! | a damaged copy | its node, its controller | it leaves the view, and is restored |
//! | two different copies | comparing | an alarm: nobody can tell which one is right |
//!
//! A log entry is needed where the other copy in sync has not got it, or where its request may be
//! sent again. A joiner whose log was dropped gets a snapshot. A damaged copy leaves the view in
//! favour of the other one, and a snapshot replaces it.

use super::PartitionCopy;
use super::context::{Context, Fault};
use super::id::CopyId;

impl PartitionCopy {
    /// Goes on after damage was found in this copy.
    pub(super) fn handle_damage(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Err(Fault::Damaged(what)) = outcome else { return outcome };
        if self.replica.mark_damaged(cx) {
            let CopyId { member, partition, .. } = self.replica.id;
            cx.alarm(format!(
                "the {member} copy of {partition} is damaged: {what}. What it cannot read it does not answer; it is \
                 restored from the other copy as soon as that can serve alone"
            ));
            if !self.replica.is_counted_on() {
                self.receiving().begin_greeting(cx);
            }
        }
        self.told.tell(cx, &self.replica);
        Ok(())
    }
}

/// The operator hears of a part of a log that is dropped for its damage.
pub(super) fn alarm_of_dropped_log(cx: &mut Context<'_>, of: CopyId, what: &str) {
    let CopyId { member, partition, .. } = of;
    cx.alarm(format!(
        "{what}: that part of the {member} copy's log of {partition} is dropped, no copy in sync needs it"
    ));
}
