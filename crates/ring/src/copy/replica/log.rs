//! A copy's log, as the other copy reads it.

use protocol::entry::Entry;
use protocol::id::{Position, Seq};

use super::Replica;
use crate::copy::context::{Context, Fault};
use crate::store::{Budget, Mutation};

/// The most of a log that is read at once: one append message.
const READ: Budget = Budget { entries_max: 512, bytes_max: 256 << 10 };

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
        Ok(tail.take(READ.entries_max).take_while(|entry| within_budget(entry)).cloned().collect())
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
            let is_whole = self.log_from <= Seq::ZERO.next();
            return Ok(is_whole.then_some(Position::ZERO));
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(Some(entry.position));
        }
        let one = Budget { entries_max: 1, bytes_max: 0 };
        let entries = cx.stored.entries(self.member, seq, seq, one)?;
        Ok(entries.first().map(|entry| entry.position))
    }

    /// Forgets the log below an entry, once that is worth a write.
    pub(crate) fn trim_log(&mut self, cx: &mut Context<'_>, below: Seq) {
        if below.0 >= self.log_from.0.saturating_add(self.trim_step) {
            cx.write(Mutation::TrimLog { member: self.member, below });
            self.log_from = below;
        }
    }
}
