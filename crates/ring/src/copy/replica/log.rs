//! A copy's log, as the other copy reads it.

use protocol::entry::Entry;
use protocol::id::{Position, Seq};

use super::Replica;
use crate::copy::context::{Context, Fault};
use crate::store::{Budget, Mutation, ReadError};

/// The most of a log that is read at once: one append message.
const READ: Budget = Budget { rows_max: 512, bytes_max: 256 << 10 };

impl Replica {
    /// One message's worth of the log, from `from` to `to` at most: out of memory what is not committed, else out of
    /// storage.
    ///
    /// # Errors
    ///
    /// When the storage fails, or the log is damaged there.
    pub(crate) fn log(&self, cx: &Context<'_>, from: Seq, to: Seq) -> Result<Vec<Entry>, Fault> {
        let Some(tail) = self.tail.from(from) else {
            return self.stored_log(cx, from, to);
        };
        let mut bytes = 0_usize;
        let mut within_budget = |entry: &Entry| {
            let fits = bytes < READ.bytes_max && entry.position.seq <= to;
            bytes = bytes.saturating_add(entry.size_bytes());
            fits
        };
        Ok(tail.take(READ.rows_max).take_while(|entry| within_budget(entry)).cloned().collect())
    }

    /// The position of an entry, if the log still has it.
    pub(crate) fn position_of(
        &self,
        cx: &Context<'_>,
        seq: Seq,
    ) -> Result<Option<Position>, Fault> {
        if seq == self.written.seq {
            return Ok(Some(self.written));
        }
        if seq == Seq::ZERO {
            let is_whole = self.log_from() <= Seq::ZERO.next();
            return Ok(is_whole.then_some(Position::ZERO));
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(Some(entry.position));
        }
        Ok(self.stored_entry(cx, seq)?.map(|entry| entry.position))
    }

    /// The last entry that was written; none where there is none.
    pub(crate) fn last_entry(&self) -> Option<Entry> {
        self.last.clone()
    }

    pub(super) fn stored_entry(&self, cx: &Context<'_>, seq: Seq) -> Result<Option<Entry>, Fault> {
        let entries = cx.stored.entries(self.member, seq, seq, Budget::ONE)?;
        Ok(entries.into_iter().next())
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

    /// Looks at more of the log, and begins again at its end. Where that is damaged it is dropped as far as nobody counts on
    /// it, which is below `keep_from`; returns what was found then.
    ///
    /// # Errors
    ///
    /// When what has to be kept is damaged.
    pub(crate) fn verify_log(
        &mut self,
        cx: &mut Context<'_>,
        keep_from: Seq,
    ) -> Result<Option<String>, Fault> {
        let durable = self.durable();
        let from = self.verified.next().max(self.log_from());
        if from > durable || self.log_from() == Seq::ZERO {
            self.verified = Seq::ZERO;
            return Ok(None);
        }
        match self.stored_log(cx, from, durable) {
            Ok(entries) => {
                self.verified = entries.last().map_or(Seq::ZERO, |last| last.position.seq);
                Ok(None)
            }
            Err(Fault::Damaged(what)) if from < keep_from.min(durable) => {
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

    /// One read's worth of the log in storage.
    fn stored_log(&self, cx: &Context<'_>, from: Seq, to: Seq) -> Result<Vec<Entry>, Fault> {
        let entries = cx.stored.entries(self.member, from, to, READ)?;
        if entries.first().is_none_or(|first| first.position.seq != from) {
            return Err(ReadError::Damaged(format!("entry {from} is missing in the log")).into());
        }
        Ok(entries)
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
