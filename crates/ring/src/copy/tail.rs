//! The end of a copy's log that is not committed yet.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use protocol::entry::{Change, Entry};
use protocol::id::Seq;
use protocol::user::UserId;

use crate::store::StoredRecord;

/// Entries that are not committed, in order, and the last of them for each user they concern.
///
/// A copy looks for a record here before it looks into its storage. That gives every answer the position that it
/// depends on (rule 3): the entry found here, or none if the newest state of the record is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    entries: VecDeque<Entry>,
    latest: BTreeMap<UserId, Seq>,
}

/// The newest state of a record, where that is not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uncommitted {
    /// The entry that made it.
    pub(crate) seq: Seq,
    /// The record; none where the entry deleted it.
    pub(crate) record: Option<StoredRecord>,
}

impl Tail {
    /// Adds the entry that follows the last one.
    pub(crate) fn push(&mut self, entry: Entry) {
        let seq = entry.position.seq;
        assert!(
            self.entries.back().is_none_or(|last| last.position.seq.next() == seq),
            "a log has no gaps: {seq} after {:?}",
            self.entries.back().map(|last| last.position),
        );
        self.latest.insert(entry.change.id().clone(), seq);
        self.entries.push_back(entry);
    }

    /// Forgets the entries up to `committed`.
    pub(crate) fn commit(&mut self, committed: Seq) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.position.seq <= committed) {
            let id = entry.change.id();
            if self.latest.get(id) == Some(&entry.position.seq) {
                self.latest.remove(id);
            }
        }
    }

    /// The newest state of a user's record, if it is not committed.
    pub(crate) fn record(&self, id: &UserId) -> Option<Uncommitted> {
        let seq = *self.latest.get(id)?;
        let entry = self.entry(seq)?;
        let position = entry.position;
        let record = match &entry.change {
            Change::Create { record, .. } | Change::Replace { record, .. } => {
                Some(StoredRecord { position, record: record.clone() })
            }
            Change::Delete { .. } => None,
        };
        Some(Uncommitted { seq, record })
    }

    /// The newest states of the records that are not committed, of users after one and up to another.
    pub(crate) fn records(
        &self,
        after: Option<&UserId>,
        to: Option<&UserId>,
    ) -> impl Iterator<Item = (&UserId, Option<StoredRecord>)> + use<'_> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = to.map_or(Bound::Unbounded, Bound::Included);
        let ids = self.latest.range::<UserId, _>((from, to)).map(|(id, _)| id);
        ids.filter_map(|id| self.record(id).map(|uncommitted| (id, uncommitted.record)))
    }

    /// An entry, if it is not committed.
    pub(crate) fn entry(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(self.index_of(seq)?)
    }

    /// The entries from `from` on, if `from` is not committed.
    pub(crate) fn from(&self, from: Seq) -> Option<impl Iterator<Item = &Entry>> {
        Some(self.entries.range(self.index_of(from)?..))
    }

    fn index_of(&self, seq: Seq) -> Option<usize> {
        let first = self.entries.front()?.position.seq;
        let index = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        (index < self.entries.len()).then_some(index)
    }
}
