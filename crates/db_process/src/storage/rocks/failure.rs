//! RocksDB's errors as ours.

use rocksdb::ErrorKind;

use crate::storage::{Operation, StorageError, Table};

/// What RocksDB writes for its status `IOError(kNoSpace)` (`util/status.cc`), and the C library for `ENOSPC`.
const NO_SPACE: &str = "No space left on device";

/// What an error of RocksDB means to the caller.
pub(super) fn from_rocksdb(operation: Operation, error: &rocksdb::Error) -> StorageError {
    classify(operation, error.kind(), error.to_string())
}

/// The wrapper hands over nothing but a text, of which it takes the first words for the kind.
fn classify(operation: Operation, kind: ErrorKind, detail: String) -> StorageError {
    match kind {
        ErrorKind::Corruption => StorageError::Corruption { operation, detail },
        ErrorKind::IOError if detail.contains(NO_SPACE) => StorageError::Full { operation, detail },
        _ => StorageError::Disk { operation, detail },
    }
}

/// The error for a table that is not there; opening makes sure that all are.
pub(super) fn no_such_table(operation: Operation, table: Table) -> StorageError {
    let detail = format!("there is no table {}", table.name());
    StorageError::Corruption { operation, detail }
}

#[cfg(test)]
mod tests;
