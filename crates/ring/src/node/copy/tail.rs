//! The end of a copy's log, in memory: the entries that are not committed yet, and those that a
//! read needs.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use protocol::entry::{Change, Entry};
use protocol::id::Seq;
use protocol::user::UserId;

use crate::store::StoredRecord;

/// The most committed entries that pins keep. A read that needs more is given up, and begun again.
const PINNED_ENTRIES_MAX: u64 = 4_096;

/// Entries that are not committed, in order, and the last of them for each user they concern.
///
/// A copy looks for a record here before it looks into its storage. That gives every answer the
/// position that it depends on (rule 3): the entry found here, or none if the newest state of the
/// record is committed.
///
/// A *pin* keeps entries beyond their commit. The reader of a range of rows pins all entries that
/// were not committed when its read began. So the rows that the storage had at any time since,
/// overlaid with the newest states here, are the rows as of the last entry: a row that no entry
/// here concerns has not changed since the read began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    entries: VecDeque<Entry>,
    latest: BTreeMap<UserId, Seq>,
    /// The first entry that each pin keeps.
    pins: BTreeMap<Pin, Seq>,
    /// The number of the last pin.
    pinned: u64,
}

/// Keeps entries in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pin(u64);

/// The newest state of a record, as the tail has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Latest {
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

    /// Forgets the entries up to `committed` that no pin keeps.
    pub(crate) fn commit(&mut self, committed: Seq) {
        let first = self.entries.front().map_or(committed, |first| first.position.seq);
        if committed.0.saturating_sub(first.0) >= PINNED_ENTRIES_MAX {
            self.pins.retain(|_, keeps_from| *keeps_from > committed);
        }
        let keeps_from = self.pins.values().min().copied();
        let is_over = |entry: &mut Entry| {
            let seq = entry.position.seq;
            seq <= committed && keeps_from.is_none_or(|keeps_from| seq < keeps_from)
        };
        while let Some(entry) = self.entries.pop_front_if(is_over) {
            let id = entry.change.id();
            if self.latest.get(id) == Some(&entry.position.seq) {
                self.latest.remove(id);
            }
        }
    }

    /// Keeps the entries from `keeps_from` on until it is unpinned, or they are too many.
    pub(crate) fn pin(&mut self, keeps_from: Seq) -> Pin {
        self.pinned = self.pinned.saturating_add(1);
        let pin = Pin(self.pinned);
        self.pins.insert(pin, keeps_from);
        pin
    }

    /// Takes a pin away; returns whether it has kept its entries until now.
    pub(crate) fn unpin(&mut self, pin: Pin, committed: Seq) -> bool {
        let was_kept = self.pins.remove(&pin).is_some();
        self.commit(committed);
        was_kept
    }

    /// Whether a pin has kept its entries until now.
    pub(crate) fn keeps(&self, pin: Pin) -> bool {
        self.pins.contains_key(&pin)
    }

    /// The newest state of a user's record, if an entry here made it.
    pub(crate) fn record(&self, id: &UserId) -> Option<Latest> {
        let seq = *self.latest.get(id)?;
        let entry = self.entry(seq)?;
        Some(Latest { seq, record: record_after(entry) })
    }

    /// The newest states of the records that are here, of users after one and up to another.
    pub(crate) fn records(
        &self,
        after: Option<&UserId>,
        to: Option<&UserId>,
    ) -> impl Iterator<Item = (&UserId, Option<StoredRecord>)> + use<'_> {
        let ids = self.latest.range::<UserId, _>(bounds(after, to)).map(|(id, _)| id);
        ids.filter_map(|id| self.record(id).map(|latest| (id, latest.record)))
    }

    /// Whether an entry behind `since` concerns a user after one and up to another.
    pub(crate) fn touches(&self, after: Option<&UserId>, to: Option<&UserId>, since: Seq) -> bool {
        let is_empty = after.zip(to).is_some_and(|(after, to)| to < after);
        !is_empty && self.latest.range::<UserId, _>(bounds(after, to)).any(|(_, seq)| *seq > since)
    }

    /// An entry, if it is here.
    pub(crate) fn entry(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(self.index_of(seq)?)
    }

    /// The entries from `from` on, if `from` is here.
    pub(crate) fn from(&self, from: Seq) -> Option<impl Iterator<Item = &Entry>> {
        Some(self.entries.range(self.index_of(from)?..))
    }

    fn index_of(&self, seq: Seq) -> Option<usize> {
        let first = self.entries.front()?.position.seq;
        let index = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        (index < self.entries.len()).then_some(index)
    }
}

/// The record that an entry leaves behind.
pub(crate) fn record_after(entry: &Entry) -> Option<StoredRecord> {
    let position = entry.position;
    match &entry.change {
        Change::Create { record, .. } | Change::Replace { record, .. } => {
            Some(StoredRecord { position, record: record.clone() })
        }
        Change::Delete { .. } => None,
    }
}

fn bounds<'a>(
    after: Option<&'a UserId>,
    to: Option<&'a UserId>,
) -> (Bound<&'a UserId>, Bound<&'a UserId>) {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    (from, to.map_or(Bound::Unbounded, Bound::Included))
}

#[cfg(test)]
mod tests {
    use protocol::id::{Epoch, GatewayBoot, Position, RequestId};
    use uuid::Uuid;

    use super::*;

    fn entry(seq: u64) -> Entry {
        Entry {
            position: Position { epoch: Epoch(1), seq: Seq(seq) },
            request: RequestId { boot: GatewayBoot(Uuid::nil()), counter: seq },
            unsettled_from: 0,
            change: Change::Delete { id: format!("user-{seq}").parse().unwrap() },
        }
    }

    #[test]
    fn a_pin_keeps_entries_beyond_their_commit() {
        let mut tail = Tail::default();
        (1..=3).for_each(|seq| tail.push(entry(seq)));
        tail.commit(Seq(1));
        let pin = tail.pin(Seq(2));
        tail.commit(Seq(3));
        assert!(tail.entry(Seq(1)).is_none() && tail.entry(Seq(2)).is_some());
        assert!(tail.touches(None, None, Seq(2)) && !tail.touches(None, None, Seq(3)));
        assert!(tail.unpin(pin, Seq(3)));
        assert!(tail.entry(Seq(2)).is_none() && !tail.touches(None, None, Seq(0)));
    }

    #[test]
    fn pins_keep_a_bounded_number_of_entries() {
        let mut tail = Tail::default();
        let pin = tail.pin(Seq(1));
        let last = PINNED_ENTRIES_MAX + 1;
        for seq in 1..=last {
            tail.push(entry(seq));
            tail.commit(Seq(seq));
        }
        assert!(!tail.keeps(pin) && !tail.unpin(pin, Seq(last)));
        assert!(tail.entry(Seq(last)).is_none());
    }
}
