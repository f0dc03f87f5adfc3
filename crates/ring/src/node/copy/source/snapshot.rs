//! A snapshot on its way: rows between entries.
//!
//! ```text
//!   written at the source:   ... 7  8  9 | 10 11 12 | 13 ...
//!   sent:                    ... 7  8  9   rows as of 9   10 11 12   rows as of 12   13 ...
//! ```
//!
//! Rows are read when the window has room for them, and are as of the last entry when the read
//! returns. They wait until every entry up to that one is durable and sent. So no snapshot of the
//! storage is held open, and no log is kept for its sake; updates go on meanwhile.
//!
//! This file keeps the cursor. `replica/snapshot_parts.rs` cuts the rows into parts.

use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::message::{Cursor, Data, Rows};

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// How far the receiver is with what was sent; none if all was.
    pub(super) cursor: Option<Cursor>,
    /// The number of the data that completes it.
    last: Option<u64>,
    /// Of the applied requests it has those up to this entry. The receiver's log tells of those
    /// after it, which may come faster than rows of them could be sent.
    pub(super) applied_to: Seq,
}

/// A snapshot that begins or goes on.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) snapshot: Snapshot,
    /// What is sent first, and the entry that it goes right after.
    pub(super) first: Option<(Seq, Data)>,
}

impl Snapshot {
    /// Begins with the last entry that is written, and what goes right after that.
    pub(super) fn begin(base: Option<Entry>) -> Begun {
        let at = base.as_ref().map_or(Seq::ZERO, |base| base.position.seq);
        let snapshot = Self { cursor: Some(Cursor::START), last: None, applied_to: at };
        Begun { snapshot, first: Some((at, Data::Install { base })) }
    }

    /// Goes on from where a receiver has come, whose last entry is this one.
    pub(super) fn resume(cursor: Cursor, last: Seq) -> Begun {
        let snapshot = Self { cursor: Some(cursor), last: None, applied_to: last };
        Begun { snapshot, first: None }
    }

    /// Data was sent under this number.
    pub(super) fn sent(&mut self, data: &Data, number: u64) {
        if let Data::Chunk { then, .. } = data {
            self.cursor = then.clone();
            self.last = then.is_none().then_some(number);
        }
    }

    /// Whether the receiver is whole once so many of the data are durable there.
    pub(super) fn is_complete_with(&self, data: u64) -> bool {
        self.last.is_some_and(|last| last <= data)
    }
}

/// Roughly the bytes that data takes; for budgets, not for accounting.
pub(super) fn size_bytes(data: &Data) -> usize {
    const ROW: usize = 64;
    match data {
        Data::Append { entries, .. } => entries.iter().map(Entry::size_bytes).sum(),
        Data::Install { base } => base.as_ref().map_or(ROW, Entry::size_bytes),
        Data::Chunk { rows: Rows::Applied(rows), .. } => {
            rows.len().saturating_mul(2 * ROW).saturating_add(ROW)
        }
        Data::Chunk { rows: Rows::Records(rows), .. } => {
            let sizes = rows.iter().map(|row| row.record.len().saturating_add(ROW));
            sizes.sum::<usize>().saturating_add(ROW)
        }
        Data::Compare(_) => ROW,
    }
}
