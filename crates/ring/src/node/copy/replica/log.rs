//! A copy's log, as the other copy reads it.

use protocol::entry::Entry;
use protocol::id::{Position, Seq};

use super::Replica;
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::reads::{Lookup, Purpose};
use crate::store::{Budget, Mutation, ReadError, ReadRows, ReadWhat};

/// The most of a log that is read at once: one append message.
pub(super) const READ: Budget = Budget { rows_max: 512, bytes_max: 256 << 10 };

impl Replica {
    /// One message's worth of the log, from `from` to `to` at most, out of memory; none where it has to be read.
    pub(crate) fn log_at_hand(&self, from: Seq, to: Seq) -> Option<Vec<Entry>> {
        let mut bytes = 0_usize;
        let mut within_budget = |entry: &Entry| {
            let fits = bytes < READ.bytes_max && entry.position.seq <= to;
            bytes = bytes.saturating_add(entry.size_bytes());
            fits
        };
        let tail = self.tail.from(from)?;
        Some(tail.take(READ.rows_max).take_while(|entry| within_budget(entry)).cloned().collect())
    }

    /// Reads one message's worth of the log, from `from` to `to` at most, if that is not under way.
    pub(crate) fn read_log(&mut self, cx: &mut Context<'_>, from: Seq, to: Seq) {
        let purpose = Purpose::Log { from };
        if !self.reads.has(&purpose) {
            let read = cx.read(self.member, ReadWhat::Entries { from, to, budget: READ });
            self.reads.begin(read, purpose);
        }
    }

    /// What was read of the log from `from` on; none where it was trimmed meanwhile.
    pub(crate) fn log_as_read(
        &self,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<Option<Vec<Entry>>, Fault> {
        if from < self.log_from() {
            return Ok(None);
        }
        let entries = result?.into_entries();
        if entries.first().is_none_or(|first| first.position.seq != from) {
            return Err(ReadError::Damaged(format!("entry {from} is missing in the log")).into());
        }
        Ok(Some(entries))
    }

    /// The position of an entry, if memory tells: none where the log does not have it.
    pub(crate) fn position_at_hand(&self, seq: Seq) -> Option<Option<Position>> {
        if seq == self.written.seq {
            return Some(Some(self.written));
        }
        if seq == Seq::ZERO {
            let is_whole = self.log_from() <= Seq::ZERO.next();
            return Some(is_whole.then_some(Position::ZERO));
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Some(Some(entry.position));
        }
        (seq < self.log_from()).then_some(None)
    }

    /// The position of an entry; it is read where memory does not tell.
    pub(crate) fn look_up(&mut self, cx: &mut Context<'_>, seq: Seq) -> Lookup {
        if let Some(position) = self.position_at_hand(seq) {
            return Lookup::Is(position);
        }
        if let Some(lookup) = self.reads.looked_up(seq) {
            return lookup.clone();
        }
        let what = ReadWhat::Entries { from: seq, to: seq, budget: Budget::ONE };
        let read = cx.read(self.member, what);
        self.reads.look_up(read, seq);
        Lookup::UnderWay
    }

    /// The last entry that was written; none where there is none.
    pub(crate) fn last_entry(&self) -> Option<Entry> {
        self.last.clone()
    }

    /// The first entry that stays within what is to be kept, whoever may need it.
    pub(crate) fn retained_from(&self) -> Seq {
        let retained = self.extent.retained_from(self.written.seq, self.retention);
        self.oldest_applied().map_or(retained, |oldest| retained.min(oldest))
    }

    /// The oldest entry whose request may be sent again: from there on the log is the table of applied ids.
    pub(crate) fn oldest_applied(&self) -> Option<Seq> {
        self.applied.oldest_logged()
    }

    /// Looks at more of the log, and begins again at its end; not before the last look is over.
    pub(crate) fn verify_log(&mut self, cx: &mut Context<'_>) {
        let durable = self.durable();
        let from = self.verified.next().max(self.log_from());
        if self.reads.is_verifying() {
            return;
        }
        if from > durable || self.log_from() == Seq::ZERO {
            self.verified = Seq::ZERO;
            return;
        }
        let what = ReadWhat::Entries { from, to: durable, budget: READ };
        let read = cx.read(self.member, what);
        self.reads.begin(read, Purpose::Verification { from });
    }

    /// More of the log was looked at. Where it is damaged it is dropped as far as nobody counts on it, which is below
    /// `keep_from`; returns what was found then.
    ///
    /// # Errors
    ///
    /// When what has to be kept is damaged.
    pub(crate) fn log_is_verified(
        &mut self,
        cx: &mut Context<'_>,
        (from, keep_from): (Seq, Seq),
        result: Result<ReadRows, ReadError>,
    ) -> Result<Option<String>, Fault> {
        match self.log_as_read(from, result) {
            Ok(entries) => {
                let entries = entries.unwrap_or_default();
                self.verified = entries.last().map_or(Seq::ZERO, |last| last.position.seq);
                Ok(None)
            }
            Err(Fault::Damaged(what)) if from < keep_from.min(self.durable()) => {
                self.drop_log(cx, keep_from);
                Ok(Some(what))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Forgets a part of the log that is damaged: all below an entry, but for what is not durable and the last entry that
    /// is.
    pub(crate) fn drop_log(&mut self, cx: &mut Context<'_>, below: Seq) {
        let below = below.min(self.durable());
        if below > self.extent.from() {
            cx.write(Mutation::TrimLog { member: self.member, below });
            self.extent.trim(below);
        }
    }

    /// Forgets the log below an entry, once that is worth a write. What is not durable stays, and the last entry that is:
    /// it says where the copy is.
    pub(crate) fn trim_log(&mut self, cx: &mut Context<'_>, below: Seq) {
        let below = below.min(self.durable());
        if self.extent.is_worth_trimming(below, self.retention) {
            cx.write(Mutation::TrimLog { member: self.member, below });
            self.extent.trim(below);
        }
    }
}
