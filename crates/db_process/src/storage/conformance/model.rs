//! The expected content of a [`Storage`](crate::storage::Storage), in the plainest form: maps,
//! and copies of them.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::storage::{Batch, Change, Table};

/// All rows of all tables.
pub(in crate::storage) type Rows = BTreeMap<(Table, Bytes), Bytes>;

/// The rows now, and the rows left by a power loss.
#[derive(Default)]
pub(super) struct Model {
    pub(super) now: Rows,
    synced: Rows,
}

impl Model {
    pub(super) fn write(&mut self, batch: &Batch) {
        apply(&mut self.now, batch);
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.now.clone();
    }

    pub(super) fn power_loss(&mut self) {
        self.now = self.synced.clone();
    }
}

/// Makes the changes of a batch.
pub(in crate::storage) fn apply(rows: &mut Rows, batch: &Batch) {
    for change in batch.changes().iter().cloned() {
        match change {
            Change::Put { table, key, value } => {
                rows.insert((table, key), value);
            }
            Change::Delete { table, key } => {
                rows.remove(&(table, key));
            }
            Change::DeleteRange { table, from, to } => {
                rows.retain(|(of, key), _| *of != table || *key < from || *key >= to);
            }
        }
    }
}
