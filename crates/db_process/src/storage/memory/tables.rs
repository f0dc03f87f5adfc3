//! The maps themselves, and how to undo a batch.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use bytes::Bytes;

use crate::storage::{Batch, Change, ScanLimit, Table, take_limited};

/// The rows of every table.
#[derive(Debug, Default)]
pub(super) struct Tables {
    meta: BTreeMap<Bytes, Bytes>,
    records: BTreeMap<Bytes, Bytes>,
    log: BTreeMap<Bytes, Bytes>,
    applied: BTreeMap<Bytes, Bytes>,
}

/// The rows as they were before a batch, in the order of its changes.
///
/// The old rows cost as much as the batch; a copy of the maps would cost as much as the whole
/// content.
#[derive(Debug)]
pub(super) struct Undo {
    before: Vec<(Table, Bytes, Option<Bytes>)>,
}

impl Tables {
    fn rows(&self, table: Table) -> &BTreeMap<Bytes, Bytes> {
        match table {
            Table::Meta => &self.meta,
            Table::Records => &self.records,
            Table::Log => &self.log,
            Table::Applied => &self.applied,
        }
    }

    fn rows_mut(&mut self, table: Table) -> &mut BTreeMap<Bytes, Bytes> {
        match table {
            Table::Meta => &mut self.meta,
            Table::Records => &mut self.records,
            Table::Log => &mut self.log,
            Table::Applied => &mut self.applied,
        }
    }

    /// The rows of a range, ascending.
    fn range(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = (&Bytes, &Bytes)> {
        // `BTreeMap::range` panics if the end is below the start.
        let end = range.end.max(range.start);
        self.rows(table).range::<[u8], _>((Bound::Included(range.start), Bound::Excluded(end)))
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<Bytes> {
        self.rows(table).get(key).cloned()
    }

    pub(super) fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Vec<(Bytes, Bytes)> {
        let rows = self.range(table, range).map(|(key, value)| (key.clone(), value.clone()));
        let Ok(rows) = take_limited(rows.map(Ok::<_, std::convert::Infallible>), limit);
        rows
    }

    pub(super) fn last(&self, table: Table, range: Range<&[u8]>) -> Option<(Bytes, Bytes)> {
        self.range(table, range).next_back().map(|(key, value)| (key.clone(), value.clone()))
    }

    /// Makes the changes of a batch.
    pub(super) fn apply(&mut self, batch: Batch) -> Undo {
        let mut before = Vec::with_capacity(batch.len());
        for change in batch.into_changes() {
            match change {
                Change::Put { table, key, value } => {
                    let old = self.rows_mut(table).insert(key.clone(), value);
                    before.push((table, key, old));
                }
                Change::Delete { table, key } => {
                    if let Some(old) = self.rows_mut(table).remove(&key) {
                        before.push((table, key, Some(old)));
                    }
                }
                Change::DeleteRange { table, from, to } => {
                    let keys: Vec<Bytes> =
                        self.range(table, &from..&to).map(|(key, _)| key.clone()).collect();
                    for key in keys {
                        let old = self.rows_mut(table).remove(&key);
                        before.push((table, key, old));
                    }
                }
            }
        }
        Undo { before }
    }

    /// Undoes a batch: always the newest one not yet undone.
    pub(super) fn undo(&mut self, undo: Undo) {
        for (table, key, old) in undo.before.into_iter().rev() {
            match old {
                Some(value) => self.rows_mut(table).insert(key, value),
                None => self.rows_mut(table).remove(&key),
            };
        }
    }
}
