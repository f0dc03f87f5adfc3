//! How a copy drops what it cannot read, because an operator accepted that it is lost.
//!
//! ```text
//!   the view is adopted       entries, answers           records, part by part          durable
//!   -----------------> Log, Applied ------------> Records ----------------------> ended --------> Whole
//!                          |  one is unreadable      |  some are unreadable
//!                          v                         v
//!                   the log restarts           they are dropped, by name
//! ```
//!
//! The copy goes on serving meanwhile: what can be read is read, and updates go on. A record that cannot be read is turned away
//! until it is dropped; from then on the user does not exist. What memory still has of an unreadable record is written once more.
//!
//! - The *log* and the *table of applied ids* say how far the copy is, and which requests it has carried out. No record depends
//!   on them. Where one row of them cannot be read, all but the last entry goes. Requests that were under way then count as
//!   settled: whoever sends one again hears that its outcome is unknown.
//! - A copy that could not read the end of its log at its start ends with the last entry that it can read. It does not know which
//!   requests came after that one: if the gateway still sends such a request, it is carried out once more.
//! - The other copy is sent nothing meanwhile, and a snapshot afterwards: no log tells of what was dropped.

use protocol::entry::Entry;
use protocol::id::{RequestId, Seq};
use protocol::message::FromNode;

use super::PartitionCopy;
use super::context::{Context, Fault};
use super::reads::Purpose;
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

impl PartitionCopy {
    /// Reads more of what is to be looked at, if a salvage is under way.
    pub(super) fn pursue_salvage(&mut self, cx: &mut Context<'_>) {
        if !self.replica.is_salvaging() {
            self.salvaging = Salvaging::default();
            return;
        }
        if self.salvaging.reading.is_some() {
            return;
        }
        let what = self.rows_to_salvage();
        let pin = self.replica.pin();
        let read = cx.read(self.replica.member(), what);
        self.replica.reads.begin(read, Purpose::Salvage(pin));
        self.salvaging.reading = Some(read);
    }

    fn rows_to_salvage(&mut self) -> ReadWhat {
        let replica = &self.replica;
        if replica.is_unreadable() {
            return ReadWhat::LastReadable;
        }
        let step = &mut self.salvaging.step;
        if let Step::Log(from) = step {
            *from = replica.log_from().max(*from);
            if let Some(entries) = replica.entries_to_salvage(*from) {
                return entries;
            }
            *step = Step::Applied(None);
        }
        if let Step::Applied(after) = step {
            if let Some(answers) = replica.answers_to_salvage(*after) {
                return answers;
            }
            *step = Step::Records(None);
        }
        let Step::Records(after) = step else { unreachable!("the records are looked at last") };
        replica.records_to_salvage(after.clone())
    }

    /// What is to be looked at was read.
    pub(super) fn has_rows_to_salvage(
        &mut self,
        cx: &mut Context<'_>,
        (read, pin): (ReadId, Pin),
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let is_wanted = self.salvaging.reading.take_if(|reading| *reading == read).is_some();
        // Where too much has happened meanwhile, it is read once more.
        let looked_at = if is_wanted && self.replica.is_salvaging() && self.replica.keeps(pin) {
            self.look_at(cx, result)
        } else {
            Ok(())
        };
        self.replica.unpin(pin);
        looked_at
    }

    fn look_at(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        if self.replica.is_unreadable() {
            let last = result.ok().and_then(|rows| rows.into_entries().pop());
            self.restart_log(cx, last);
            self.tell_alone(cx);
            self.tell_condition(cx);
            return Ok(());
        }
        match &mut self.salvaging.step {
            Step::Log(from) => match self.replica.log_as_read(*from, result) {
                Ok(entries) => {
                    let last = entries.and_then(|mut entries| entries.pop());
                    *from = last.map_or(*from, |last| last.position.seq.next());
                }
                Err(_) => self.restart_log(cx, None),
            },
            Step::Applied(after) => {
                let answers = result.map(ReadRows::into_answers).unwrap_or_default();
                let is_missing = |(request, answer): &(RequestId, Option<_>)| {
                    answer.is_none() && self.replica.has_row(*request)
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
                self.replica.salvage_records(cx, keys);
                if is_end {
                    self.end_salvage(cx);
                }
            }
        }
        Ok(())
    }

    fn restart_log(&mut self, cx: &mut Context<'_>, readable: Option<Entry>) {
        self.replica.restart_log(cx, readable);
        self.salvaging.step = Step::Records(None);
        let (member, partition) = (self.replica.member(), self.partition());
        cx.alarm(format!(
            "the log of the {member} copy of {partition} cannot be read: it begins anew at {}. Requests that were under way \
             may be answered as unknown",
            self.replica.written(),
        ));
    }

    fn end_salvage(&mut self, cx: &mut Context<'_>) {
        self.replica.end_salvage(cx);
        self.restore_receiver();
        self.tell_salvage(cx);
        if let Some(salvage) = self.replica.accepted_salvage().cloned() {
            let (partition, member) = (self.partition(), self.replica.member());
            cx.effects.push(NodeEffect::Salvaged { partition, member, salvage });
        }
    }

    /// The gateway hears how the salvage stands that the view remembers.
    pub(super) fn tell_salvage(&self, cx: &mut Context<'_>) {
        if let Some(salvage) = self.replica.accepted_salvage().cloned() {
            cx.tell_gateway(FromNode::Salvage { partition: self.partition(), salvage });
        }
    }
}
