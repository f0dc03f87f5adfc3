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
use protocol::message::{Condition, FromNode, Stretch, Verdict};

use super::PartitionCopy;
use super::context::{Context, Fault};

/// What came of comparing, where this copy receives.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// A difference was found since the rows were begun with.
    differs: bool,
    /// The operator was told of one, and the copies were not the same since.
    is_alarmed: bool,
}

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

    /// Looks at more of the log.
    pub(super) fn verify_log(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let keep_from = self.needs_log_from();
        if let Some(what) = self.replica.verify_log(cx, keep_from)? {
            self.tell_of_dropped_log(cx, &what);
        }
        Ok(())
    }

    pub(super) fn tell_of_dropped_log(&self, cx: &mut Context<'_>, what: &str) {
        let (member, partition) = (self.replica.member(), self.partition());
        cx.alarm(format!(
            "{what}: that part of the {member} copy's log of {partition} is dropped, no copy in sync needs it"
        ));
    }

    /// Compares a stretch of the source's rows with those here, which are as of the same entry.
    pub(super) fn compare(&mut self, cx: &mut Context<'_>, stretch: &Stretch) -> Result<(), Fault> {
        let compared = self.verify_log(cx).and_then(|()| self.replica.has(cx, stretch));
        let is_same = match compared {
            Ok(is_same) => is_same,
            Err(fault) => return self.bear_damage(cx, Err(fault)),
        };
        let partition = self.partition();
        let tell = |cx: &mut Context<'_>, verdict| {
            cx.tell_gateway(FromNode::Compared { partition, verdict });
        };
        if !is_same && !self.comparison.differs {
            self.comparison.differs = true;
            tell(cx, Verdict::Different);
            if !std::mem::replace(&mut self.comparison.is_alarmed, true) {
                cx.alarm(format!(
                    "the two copies of {partition} differ at {}, and neither is damaged: find out which one is right, \
                     and start the node of the other one with an empty data directory",
                    self.replica.written(),
                ));
            }
        }
        if stretch.to.is_none() && !std::mem::take(&mut self.comparison.differs) {
            self.comparison.is_alarmed = false;
            tell(cx, Verdict::Same);
        }
        Ok(())
    }
}
