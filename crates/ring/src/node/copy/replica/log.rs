//! A copy's log: its entries, how far they are durable and committed, and its end in memory.
//!
//! Invariants: `committed ≤ durable ≤ written`; the log has no gaps and its epochs never go back;
//! what is committed never goes back, unless all is dropped for a snapshot.

use protocol::entry::Entry;
use protocol::id::{Epoch, Position, Seq};
use protocol::view::Member;

use super::extent::{Extent, Retention};
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::durability::Durability;
use crate::node::copy::tail::{Pin, Tail};
use crate::node::settings::NodeSettings;
use crate::store::{Budget, Mark, Mutation, ReadError, ReadRows, RecoveredCopy};

/// The most of a log that is read at once: one append message.
pub(crate) const READ: Budget = Budget { rows_max: 512, bytes_max: 256 << 10 };

/// A copy's log.
#[derive(Debug)]
pub(crate) struct EntryLog {
    /// The copy.
    member: Member,
    written: Position,
    /// The entry that was written last.
    last: Option<Entry>,
    extent: Extent,
    retention: Retention,
    durability: Durability,
    committed: Seq,
    /// The last entry found at the start. Until it is committed (whether it was is not stored),
    /// nobody is told of anything that was found.
    found: Seq,
    tail: Tail,
}

impl EntryLog {
    /// The log as it was found in storage.
    pub(super) fn recovered(
        member: Member,
        settings: &NodeSettings,
        recovered: &RecoveredCopy,
    ) -> Self {
        let written = recovered.written();
        let committed = match member {
            Member::Home => Seq::ZERO,
            // Home sends only what is durable there, so what next has is durable on both.
            Member::Next => written.seq,
        };
        Self {
            member,
            written,
            last: recovered.last.clone(),
            extent: Extent::recovered(recovered.log_from, &recovered.log_sizes),
            retention: Retention {
                entries: settings.log_entries_kept,
                bytes: settings.log_bytes_kept,
            },
            durability: Durability::recovered(written),
            committed,
            found: written.seq,
            tail: Tail::default(),
        }
    }

    /// The last entry.
    pub(crate) fn written(&self) -> Position {
        self.written
    }

    /// The last entry that is durable.
    pub(crate) fn durable(&self) -> Seq {
        self.durability.position().seq
    }

    /// The position of the last entry that is durable.
    pub(crate) fn durable_position(&self) -> Position {
        self.durability.position()
    }

    /// Whether there are entries, and none of them is durable.
    pub(super) fn is_all_in_flight(&self) -> bool {
        self.durable_position() == Position::ZERO && self.written != Position::ZERO
    }

    /// The last entry that is committed.
    pub(crate) fn committed(&self) -> Seq {
        self.committed
    }

    /// The last entry found at the start, until it is committed.
    pub(crate) fn found_uncommitted(&self) -> Option<Seq> {
        (self.committed < self.found).then_some(self.found)
    }

    /// The first entry that the log still has; [`Seq::ZERO`] where it has none.
    pub(crate) fn from(&self) -> Seq {
        self.extent.from()
    }

    /// The last entry that was written; none where there is none.
    pub(crate) fn last_entry(&self) -> Option<Entry> {
        self.last.clone()
    }

    /// The end of the log, in memory.
    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The place in the log for an entry that is made now.
    ///
    /// # Panics
    ///
    /// When the epoch is older than the last entry's.
    pub(crate) fn next_position(&self, epoch: Epoch) -> Position {
        assert!(epoch >= self.written.epoch, "the log's epochs never go back");
        Position { epoch, seq: self.written.seq.next() }
    }

    /// Adds the entry that follows the last one. It was written under `mark`.
    pub(super) fn append(&mut self, mark: Mark, entry: Entry) {
        let position = entry.position;
        self.written = position;
        self.extent.push(position.seq, entry.size_bytes());
        self.durability.wrote(mark, position);
        self.last = Some(entry.clone());
        self.tail.push(entry);
    }

    /// The mutations up to `mark` are durable. Returns whether entries were among them.
    pub(super) fn synced(&mut self, mark: Mark) -> bool {
        self.durability.synced(mark)
    }

    /// The entries up to this one are committed.
    pub(super) fn commit(&mut self, committed: Seq) {
        self.committed = committed;
        self.tail.commit(committed);
    }

    /// Keeps the entries that are not committed, and those that come, for a read of rows that
    /// begins now.
    pub(crate) fn pin(&mut self) -> Pin {
        self.tail.pin(self.committed.next())
    }

    /// The read is over. Returns whether its entries were kept until now.
    pub(crate) fn unpin(&mut self, pin: Pin) -> bool {
        self.tail.unpin(pin, self.committed)
    }

    /// One message's worth of the log, from `from` to `to` at most, out of memory; none where it
    /// has to be read.
    pub(crate) fn at_hand(&self, from: Seq, to: Seq) -> Option<Vec<Entry>> {
        let mut bytes = 0_usize;
        let mut within_budget = |entry: &Entry| {
            let fits = bytes < READ.bytes_max && entry.position.seq <= to;
            bytes = bytes.saturating_add(entry.size_bytes());
            fits
        };
        let tail = self.tail.from(from)?;
        Some(tail.take(READ.rows_max).take_while(|entry| within_budget(entry)).cloned().collect())
    }

    /// What was read of the log from `from` on; none where it was trimmed meanwhile.
    pub(crate) fn as_read(
        &self,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<Option<Vec<Entry>>, Fault> {
        if from < self.from() {
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
            let is_whole = self.from() <= Seq::ZERO.next();
            return Some(is_whole.then_some(Position::ZERO));
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Some(Some(entry.position));
        }
        (seq < self.from()).then_some(None)
    }

    /// The first entry that stays within what is to be kept, whoever may need it. From
    /// `oldest_applied` on the log is the table of applied ids.
    pub(crate) fn retained_from(&self, oldest_applied: Option<Seq>) -> Seq {
        let retained = self.extent.retained_from(self.written.seq, self.retention);
        oldest_applied.map_or(retained, |oldest| retained.min(oldest))
    }

    /// Forgets a part of the log that is damaged: all below an entry, but for what is not durable
    /// and the last entry that is.
    pub(crate) fn drop_below(&mut self, cx: &mut Context<'_>, below: Seq) {
        let below = below.min(self.durable());
        if below > self.extent.from() {
            cx.write(Mutation::TrimLog { member: self.member, below });
            self.extent.trim(below);
        }
    }

    /// Forgets the log below an entry, once that is worth a write. What is not durable stays, and
    /// the last entry that is: it says where the copy is.
    pub(crate) fn trim(&mut self, cx: &mut Context<'_>, below: Seq) {
        let below = below.min(self.durable());
        if self.extent.is_worth_trimming(below, self.retention) {
            cx.write(Mutation::TrimLog { member: self.member, below });
            self.extent.trim(below);
        }
    }

    /// A snapshot begins with this entry, which was written under `mark`. All others are gone.
    pub(super) fn install(&mut self, mark: Mark, base: Option<Entry>) {
        let position = base.as_ref().map_or(Position::ZERO, |base| base.position);
        self.written = position;
        self.committed = Position::ZERO.seq;
        self.found = Position::ZERO.seq;
        self.tail = Tail::default();
        self.extent = Extent::beginning_with(base.as_ref());
        self.durability = Durability::begun(mark, position);
        self.last = base;
    }

    /// Begins anew with the last entry.
    pub(super) fn restart(&mut self, cx: &mut Context<'_>) -> Mark {
        let last = self.last.clone();
        let mark = cx.write(Mutation::RestartLog { member: self.member, last });
        self.extent = Extent::beginning_with(self.last.as_ref());
        mark
    }

    /// Begins anew with this entry, where the end of the log is unreadable.
    pub(super) fn restart_at(&mut self, cx: &mut Context<'_>, readable: Option<Entry>) {
        self.last = readable;
        let mark = self.restart(cx);
        let position = self.last.as_ref().map_or(Position::ZERO, |last| last.position);
        (self.written, self.found) = (position, position.seq);
        self.durability = Durability::begun(mark, position);
    }
}
