//! The texts for damage and for a full file system are RocksDB's own. The text for a broken disk
//! is invented in the same form.

use rocksdb::ErrorKind;

use super::classify;
use crate::storage::{StorageError, StorageOperation};

#[test]
fn a_full_disk_is_told_from_a_broken_one() {
    let of = |kind, text: &str| classify(StorageOperation::Write, kind, text.to_owned());
    let full = "IO error: No space left on device: While appending to file: /data/000008.log: \
                No space left on device";
    assert!(matches!(of(ErrorKind::IOError, full), StorageError::Full { .. }));
    let broken = "IO error: While fdatasync: /data/000008.log: Input/output error";
    assert!(matches!(of(ErrorKind::IOError, broken), StorageError::Disk { .. }));
    let damaged = "Corruption: block checksum mismatch: stored = 1, computed = 2";
    assert!(matches!(of(ErrorKind::Corruption, damaged), StorageError::Corruption { .. }));
}
