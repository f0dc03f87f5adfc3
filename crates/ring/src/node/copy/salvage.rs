//! How a copy drops what it cannot read, because an operator accepted that it is lost.
//!
//! ```text
//!   the view is adopted   entries, answers       records, part by part        durable
//!   ----------> Log, Applied ----------> Records ---------------------> ended -------> Whole
//!                    | one is unreadable    | some are unreadable
//!                    v                      v
//!             the log restarts        they are dropped, by name
//! ```
//!
//! The copy goes on serving meanwhile: what can be read is read, and updates go on. A record that
//! cannot be read is turned away until it is dropped; from then on the user does not exist. What
//! memory still has of an unreadable record is written once more.
//!
//! - The *log* and the *table of applied ids* say how far the copy is, and which requests it has
//!   carried out. No record depends on them. Where one row of them cannot be read, all but the last
//!   entry goes. Requests that were under way then count as settled: whoever sends one again hears
//!   that its outcome is unknown.
//! - A copy that could not read the end of its log at its start ends with the last entry that it
//!   can read. It does not know which requests came after that one: if the gateway still sends such
//!   a request, it is carried out once more.
//! - The other copy is sent nothing meanwhile, and a snapshot afterwards: no log tells of what was
//!   dropped.

use protocol::entry::Entry;
use protocol::id::{RequestId, Seq};

use super::context::{Context, Fault};
use super::id::CopyId;
use super::reads::Purpose;
use super::replica::Replica;
use super::tail::Pin;
use crate::node::effect::{NodeEffect, StopReason};
use crate::store::{ReadError, ReadId, ReadRows, ReadWhat, RecordKey, Unreadable};

/// A salvage that is under way.
#[derive(Debug, Default)]
pub(super) struct Salvaging {
    step: Step,
    reading: Option<ReadId>,
}

/// What is looked at.
#[derive(Debug)]
enum Step {
    /// The log, from this entry on.
    Log(Seq),
    /// The rows of applied ids after this one.
    Applied(Option<RequestId>),
    /// The records after this one.
    Records(Option<RecordKey>),
}

impl Default for Step {
    fn default() -> Self {
        Self::Log(Seq::ZERO)
    }
}

/// How far a salvage has come with a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Salvaged {
    /// It goes on.
    Part,
    /// The end of the log: the copy knows how far it is, from now on.
    LogEnd,
    /// Everything: the copy is whole once that is durable.
    All,
}

/// Drops the unreadable rows of a copy. It owns the steps, and changes the replica.
pub(crate) struct Salvager<'a> {
    pub(super) replica: &'a mut Replica,
    pub(super) salvaging: &'a mut Salvaging,
}

impl Salvager<'_> {
    /// Reads more of what is to be looked at, if a salvage is under way.
    pub(super) fn pursue(&mut self, cx: &mut Context<'_>) {
        if !self.replica.is_salvaging() {
            *self.salvaging = Salvaging::default();
            return;
        }
        if self.salvaging.reading.is_some() {
            return;
        }
        let what = self.rows_to_read();
        let pin = self.replica.log.pin();
        let read = self.replica.reads.begin(cx, what, Purpose::Salvage(pin));
        self.salvaging.reading = Some(read);
    }

    fn rows_to_read(&mut self) -> ReadWhat {
        if self.replica.integrity.is_unreadable() {
            return ReadWhat::LastReadable;
        }
        if let Step::Log(from) = self.salvaging.step {
            let from = self.replica.log.from().max(from);
            self.salvaging.step = Step::Log(from);
            if let Some(entries) = self.entries(from) {
                return entries;
            }
            self.salvaging.step = Step::Applied(None);
        }
        if let Step::Applied(after) = self.salvaging.step {
            if let Some(answers) = self.answers(after) {
                return answers;
            }
            self.salvaging.step = Step::Records(None);
        }
        let Step::Records(after) = &self.salvaging.step else {
            unreachable!("the records are looked at last")
        };
        self.records(after.clone())
    }

    /// What is to be looked at was read.
    pub(super) fn has_rows(
        &mut self,
        cx: &mut Context<'_>,
        read: ReadId,
        pin: Pin,
        result: Result<ReadRows, ReadError>,
    ) -> Result<Salvaged, Fault> {
        let is_wanted = self.salvaging.reading.take_if(|reading| *reading == read).is_some();
        // Where too much has happened meanwhile, it is read once more.
        let is_kept = self.replica.log.tail().keeps(pin);
        let looked_at = if is_wanted && self.replica.is_salvaging() && is_kept {
            self.look_at(cx, result)
        } else {
            Ok(Salvaged::Part)
        };
        self.replica.log.unpin(pin);
        looked_at
    }

    fn look_at(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<ReadRows, ReadError>,
    ) -> Result<Salvaged, Fault> {
        if self.replica.integrity.is_unreadable() {
            let last = result.ok().and_then(|rows| rows.into_entries().pop());
            self.restart_log(cx, last);
            return Ok(Salvaged::LogEnd);
        }
        match &mut self.salvaging.step {
            Step::Log(from) => match self.replica.log.as_read(*from, result) {
                Ok(entries) => {
                    let last = entries.and_then(|mut entries| entries.pop());
                    *from = last.map_or(*from, |last| last.position.seq.next());
                }
                Err(_) => self.restart_log(cx, None),
            },
            Step::Applied(after) => {
                let answers = result.map(ReadRows::into_answers).unwrap_or_default();
                let is_missing = |(request, answer): &(RequestId, Option<_>)| {
                    answer.is_none() && self.replica.applied.has_row(*request)
                };
                match answers.last() {
                    Some((last, _)) if !answers.iter().any(is_missing) => *after = Some(*last),
                    Some(_) | None => self.restart_log(cx, None),
                }
            }
            Step::Records(after) => {
                let rows = result.map_err(StopReason::Storage).map_err(Fault::Stop)?;
                let Unreadable { keys, to } = rows.into_unreadable();
                let is_end = to.is_none();
                *after = to;
                self.drop_records(cx, keys);
                if is_end {
                    self.end(cx);
                    return Ok(Salvaged::All);
                }
            }
        }
        Ok(Salvaged::Part)
    }

    fn restart_log(&mut self, cx: &mut Context<'_>, readable: Option<Entry>) {
        self.begin_anew(cx, readable);
        self.salvaging.step = Step::Records(None);
        let CopyId { member, partition, .. } = self.replica.id;
        cx.alarm(format!(
            "the log of the {member} copy of {partition} cannot be read: it begins anew at {}. Requests that were under way \
             may be answered as unknown",
            self.replica.log.written(),
        ));
    }

    /// The operator hears of the records that were dropped.
    pub(super) fn announce(&self, cx: &mut Context<'_>) {
        if let Some(salvage) = self.replica.salvage.accepted_by(self.replica.view()).cloned() {
            let CopyId { member, partition, .. } = self.replica.id;
            cx.effects.push(NodeEffect::Salvaged { partition, member, salvage });
        }
    }
}
