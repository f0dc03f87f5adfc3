//! RocksDB's errors as ours.

use rocksdb::ErrorKind;

use crate::storage::{StorageError, StorageOperation, Table};

/// The text of RocksDB's status `IOError(kNoSpace)` (`util/status.cc`), and of `ENOSPC` in the C
/// library.
const NO_SPACE: &str = "No space left on device";

/// Turns an error of RocksDB into ours.
pub(super) fn from_rocksdb(operation: StorageOperation, error: &rocksdb::Error) -> StorageError {
    classify(operation, error.kind(), error.to_string())
}

/// The wrapper passes on nothing but a text, and takes the kind from its first words.
fn classify(operation: StorageOperation, kind: ErrorKind, detail: String) -> StorageError {
    match kind {
        ErrorKind::Corruption => StorageError::Corruption { operation, detail },
        ErrorKind::IOError if detail.contains(NO_SPACE) => StorageError::Full { operation, detail },
        _ => StorageError::Disk { operation, detail },
    }
}

/// The error for a missing table. Opening has checked every table, so this should not happen.
pub(super) fn no_such_table(operation: StorageOperation, table: Table) -> StorageError {
    let detail = format!("there is no table {}", table.name());
    StorageError::Corruption { operation, detail }
}

#[cfg(test)]
mod tests;
