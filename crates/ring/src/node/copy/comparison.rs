//! How the copy that receives compares a stretch of its rows with the source's.
//!
//! ```text
//!   a stretch comes            the rows here are read                 all of them are
//!   --------------> at entry E ----------------------> comparing ---------------------> same,
//!                                                          |                            different
//!                     a row of it has changed behind E     v
//!                     ---------------------------------> skipped: no verdict on it
//! ```
//!
//! A stretch is of the state at the entry E that came last before it. The rows here take reads, and
//! entries go on coming meanwhile; so a stretch that they touch is not judged. A round in which a
//! stretch was skipped has no verdict but a difference. The source is told when a stretch is done
//! with, and sends the next one after that; nothing else waits for it.

use std::collections::{BTreeMap, VecDeque};

use protocol::entry::Answer;
use protocol::id::{RequestId, Seq};
use protocol::message::{AppliedRow, CopyMessage, Cursor, FromNode, Rows, Stretch, Verdict};

use super::applied::missing_answer;
use super::context::{Context, Fault};
use super::id::CopyId;
use super::peer::Peer;
use super::reads::Purpose;
use super::replica::{Digest, Replica};
use super::tail::Pin;
use crate::node::effect::NodeEffect;
use crate::store::{AppliedId, ReadError, ReadId, ReadRows};

/// What came of comparing, where this copy receives.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    under_way: Option<Comparing>,
    /// A difference was found since the rows were begun with.
    differs: bool,
    /// Not all rows since then were compared.
    is_skipped: bool,
    /// The operator was told of a difference, and the copies were not the same since.
    is_alarmed: bool,
}

impl Comparison {
    /// Whether a stretch is being compared: the source sends no other one meanwhile.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}

/// A stretch that is being compared.
#[derive(Debug)]
struct Comparing {
    stretch: Stretch,
    /// The last entry when the stretch came.
    at: Seq,
    /// Keeps the entries that were not committed then, and those that came later.
    pin: Pin,
    left: Left,
    digest: Digest,
    read: Option<ReadId>,
}

/// The rows that are still to be read.
#[derive(Debug)]
enum Left {
    /// The applied requests of the stretch, as of the moment when it came.
    Applied(VecDeque<AppliedId>),
    /// The records after this row.
    Records(Cursor),
    Nothing,
}

/// What came of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Same,
    Different,
    Skipped,
}

impl Comparing {
    /// Adds rows to the digest; returns what is left then, or none where the rows are not those of
    /// the moment when the stretch came.
    fn add(
        &mut self,
        replica: &Replica,
        read: Result<ReadRows, ReadError>,
    ) -> Result<Option<Left>, Fault> {
        let Stretch { after, to, .. } = &self.stretch;
        let has_changed = replica.parts().has_changed(after, to.as_ref(), self.at);
        if !replica.log.tail().keeps(self.pin) || has_changed {
            return Ok(None);
        }
        match std::mem::replace(&mut self.left, Left::Nothing) {
            Left::Applied(ids) => {
                let answers = read?.into_answers().into_iter().collect();
                self.add_applied(replica, ids, &answers)
            }
            Left::Records(after) => self.add_records(replica, &after, read?),
            Left::Nothing => Ok(Some(Left::Nothing)),
        }
    }

    fn add_applied(
        &mut self,
        replica: &Replica,
        mut ids: VecDeque<AppliedId>,
        answers: &BTreeMap<RequestId, Option<Answer>>,
    ) -> Result<Option<Left>, Fault> {
        while let Some(id) = ids.front().copied() {
            let AppliedId { request, seq, .. } = id;
            let answer = match (replica.parts().answer_at_hand(id), answers.get(&request)) {
                (Some(answer), _) => answer,
                (None, Some(Some(answer))) => answer.clone(),
                (None, Some(None)) if replica.applied.has(id) => {
                    return Err(missing_answer(id).into());
                }
                (None, Some(None)) => return Ok(None),
                (None, None) => return Ok(Some(Left::Applied(ids))),
            };
            let row = Rows::Applied(vec![AppliedRow { request, seq, answer }]);
            self.digest.add(&row, self.stretch.to.as_ref());
            ids.pop_front();
        }
        Ok(Some(Left::Nothing))
    }

    fn add_records(
        &mut self,
        replica: &Replica,
        after: &Cursor,
        read: ReadRows,
    ) -> Result<Option<Left>, Fault> {
        let Some((rows, then)) = replica.parts().rows_after(after, Seq(u64::MAX), read)? else {
            return Ok(None);
        };
        let Stretch { to, rows: expected, .. } = &self.stretch;
        self.digest.add(&rows, to.as_ref());
        let goes_on = |then: &Cursor| {
            self.digest.rows() <= *expected && to.as_ref().is_none_or(|to| then < to)
        };
        Ok(Some(then.filter(goes_on).map_or(Left::Nothing, Left::Records)))
    }

    /// What came of it, once nothing is left.
    fn outcome(&self) -> Outcome {
        let Stretch { rows, digest, .. } = self.stretch;
        if self.digest.finish() == (rows, digest) { Outcome::Same } else { Outcome::Different }
    }
}

/// Compares the rows of a receiver with those of its source. It owns the comparison, pins entries
/// and reads rows of the replica, and tells the source, the gateway and the operator.
pub(super) struct Comparer<'a> {
    pub(super) replica: &'a mut Replica,
    pub(super) comparison: &'a mut Comparison,
    pub(super) peer: &'a Peer,
    /// The receiver's session.
    pub(super) session: u64,
}

impl Comparer<'_> {
    /// A stretch of the source's rows has come, as of the last entry here.
    pub(super) fn compare(&mut self, cx: &mut Context<'_>, stretch: Stretch) -> Result<(), Fault> {
        let Replica { verification, log, reads, .. } = &mut *self.replica;
        verification.pursue(cx, log, reads);
        let left = match &stretch.after {
            Cursor::Applied(after) => {
                let to = stretch.to.as_ref();
                let is_within =
                    |id: &AppliedId| to.is_none_or(|to| Cursor::Applied(Some(id.request)) <= *to);
                // One more than there should be is a difference.
                let rows_max = usize::try_from(stretch.rows).unwrap_or(usize::MAX);
                let ids = self.replica.applied.after_id(*after).take_while(is_within);
                Left::Applied(ids.take(rows_max.saturating_add(1)).collect())
            }
            after @ Cursor::Records(_) => Left::Records(after.clone()),
        };
        self.comparison.under_way = Some(Comparing {
            at: self.replica.log.written().seq,
            pin: self.replica.log.pin(),
            digest: Digest::default(),
            read: None,
            stretch,
            left,
        });
        self.pursue(cx)
    }

    /// Reads more of what is left; comes to a verdict where nothing is.
    fn pursue(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        loop {
            let Some(comparing) = &mut self.comparison.under_way else { return Ok(()) };
            let what = match &comparing.left {
                Left::Nothing => {
                    let outcome = comparing.outcome();
                    self.end(cx, outcome);
                    return Ok(());
                }
                Left::Applied(ids) => self.replica.parts().answers_to_read(ids.iter().copied()),
                Left::Records(after) => self.replica.parts().rows_to_read(after, Seq(u64::MAX)),
            };
            if let Some(what) = what {
                let read = self.replica.reads.begin(cx, what, Purpose::Comparison);
                comparing.read = Some(read);
                return Ok(());
            }
            self.take_in(cx, Ok(ReadRows::Answers(Vec::new())))?;
        }
    }

    /// Rows were read for a comparison.
    pub(super) fn has_rows(
        &mut self,
        cx: &mut Context<'_>,
        read: ReadId,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let comparing = self.comparison.under_way.as_ref();
        if comparing.is_none_or(|comparing| comparing.read != Some(read)) {
            return Ok(());
        }
        self.take_in(cx, result)?;
        self.pursue(cx)
    }

    fn take_in(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let Some(comparing) = &mut self.comparison.under_way else { return Ok(()) };
        match comparing.add(self.replica, result) {
            Ok(Some(left)) => comparing.left = left,
            Ok(None) => self.end(cx, Outcome::Skipped),
            Err(fault) => {
                self.end(cx, Outcome::Skipped);
                return Err(fault);
            }
        }
        Ok(())
    }

    fn end(&mut self, cx: &mut Context<'_>, outcome: Outcome) {
        if let Some(Comparing { stretch, pin, .. }) = self.comparison.under_way.take() {
            self.replica.log.unpin(pin);
            self.conclude(cx, &stretch, outcome);
        }
    }

    /// The source begins anew, with the first rows.
    pub(super) fn forget(&mut self) {
        if let Some(Comparing { pin, .. }) = self.comparison.under_way.take() {
            self.replica.log.unpin(pin);
        }
        self.comparison.differs = false;
        self.comparison.is_skipped = false;
    }

    /// Tells what came of a stretch, and at the end of a round what came of that.
    fn conclude(&mut self, cx: &mut Context<'_>, stretch: &Stretch, outcome: Outcome) {
        let CopyId { partition, member, .. } = self.replica.id;
        if let Some(link) = self.peer.linked().map(|linked| linked.link) {
            let message = CopyMessage::Compared { session: self.session };
            cx.tell_copy(member.other(), link, message);
        }
        let tell = |cx: &mut Context<'_>, verdict| {
            cx.tell_gateway(FromNode::Compared { partition, verdict });
        };
        match outcome {
            Outcome::Same => {}
            Outcome::Skipped => {
                self.comparison.is_skipped = true;
                cx.effects.push(NodeEffect::ComparisonSkipped { member });
            }
            Outcome::Different if std::mem::replace(&mut self.comparison.differs, true) => {}
            Outcome::Different => {
                tell(cx, Verdict::Different);
                if !std::mem::replace(&mut self.comparison.is_alarmed, true) {
                    cx.alarm(format!(
                        "the two copies of {partition} differ at {}, and neither is damaged: find out which one is \
                         right, and start the node of the other one with an empty data directory",
                        self.replica.log.written(),
                    ));
                }
            }
        }
        let is_last = stretch.to.is_none();
        if is_last {
            let differs = std::mem::take(&mut self.comparison.differs);
            let is_skipped = std::mem::take(&mut self.comparison.is_skipped);
            if !differs && !is_skipped {
                self.comparison.is_alarmed = false;
                tell(cx, Verdict::Same);
            }
        }
    }
}
