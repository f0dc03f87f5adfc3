//! Changes made all together or not at all.

use std::ops::Range;

use bytes::Bytes;

use super::Table;

/// One change of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets the value of a key.
    Put {
        /// The table of the key.
        table: Table,
        /// May be empty.
        key: Bytes,
        /// May be empty; an empty value is not an absent one.
        value: Bytes,
    },
    /// Removes a key, if it is there.
    Delete {
        /// The table of the key.
        table: Table,
        /// The key to remove.
        key: Bytes,
    },
    /// Removes every key of a range.
    DeleteRange {
        /// The table of the range.
        table: Table,
        /// The first key removed.
        from: Bytes,
        /// The first key kept, greater than `from`.
        to: Bytes,
    },
}

/// Changes in the order of their execution; a later change of the same key wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a key.
    pub fn put(&mut self, table: Table, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes.push(Change::Put { table, key: key.into(), value: value.into() });
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, table: Table, key: impl Into<Bytes>) {
        self.changes.push(Change::Delete { table, key: key.into() });
    }

    /// Removes every key from the range's start (inclusive) to its end (exclusive).
    ///
    /// A range is empty unless its end is above its start. An empty range adds nothing to the
    /// batch.
    pub fn delete_range<K: Into<Bytes>>(&mut self, table: Table, range: Range<K>) {
        let (from, to) = (range.start.into(), range.end.into());
        if from < to {
            self.changes.push(Change::DeleteRange { table, from, to });
        }
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether the batch has no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes in order.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}
