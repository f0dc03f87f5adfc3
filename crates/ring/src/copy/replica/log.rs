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
    /// # Panics
    ///
    /// When the log has no entry `from`.
    pub(crate) fn log(&self, cx: &Context<'_>, from: Seq, to: Seq) -> Result<Vec<Entry>, Fault> {
        let Some(tail) = self.tail.from(from) else {
            let entries = cx.stored.entries(self.member, from, to, READ)?;
            let first = entries.first().map(|entry| entry.position.seq);
            assert_eq!(first, Some(from), "the log holds what is durable and not acknowledged");
            return Ok(entries);
        };
        let mut bytes = 0;
        let mut within_budget = |entry: &Entry| {
            let fits = bytes < READ.bytes_max && entry.position.seq <= to;
            bytes += entry.size_bytes();
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
    pub(crate) fn last_entry(&self, cx: &Context<'_>) -> Result<Option<Entry>, Fault> {
        let seq = self.written.seq;
        if seq == Seq::ZERO {
            return Ok(None);
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(Some(entry.clone()));
        }
        let missing = || ReadError(format!("entry {seq}, the last one of the log, is missing"));
        Ok(Some(self.stored_entry(cx, seq)?.ok_or_else(missing)?))
    }

    fn stored_entry(&self, cx: &Context<'_>, seq: Seq) -> Result<Option<Entry>, Fault> {
        let entries = cx.stored.entries(self.member, seq, seq, Budget::ONE)?;
        Ok(entries.into_iter().next())
    }

    /// The first entry that stays within what is to be kept, whoever may need it.
    pub(crate) fn retained_from(&self) -> Seq {
        self.extent.retained_from(self.written.seq, self.retention)
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
