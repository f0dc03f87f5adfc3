//! Damaged files: the damage is noticed, or it does not matter.

use std::fs;
use std::path::{Path, PathBuf};

use super::{fill, open, snapshot};
use crate::storage::conformance::model::Rows;
use crate::storage::conformance::random::everything;
use crate::storage::rocks::crash::{CrashableRocks, copy_directory};
use crate::storage::rocks::synced_mark::SYNCED;
use crate::storage::rocks::{RocksSettings, RocksStorage};
use crate::storage::{ScanLimit, Storage, StorageError, StorageReader, Table};

/// Where RocksDB has the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowsAre {
    InTableFiles,
    InWal,
}

/// A fully synced storage with its rows in this place, and the rows.
fn damageable(directory: &Path, place: RowsAre) -> (PathBuf, Rows) {
    let source = directory.join("source");
    let storage = CrashableRocks::open(&source, &RocksSettings::default()).unwrap();
    fill(&storage);
    storage.sync().unwrap();
    let rows = everything(&storage);
    let target = directory.join("damageable");
    storage.copy_as_killed(&target).unwrap();
    if place == RowsAre::InTableFiles {
        drop(open(&target).unwrap());
    }
    (target, rows)
}

/// Flips a bit in many places of each file with the extension, one at a time. Every read must
/// either notice the damage or return the written rows. Returns the number of noticed damages.
fn damage(directory: &Path, extension: &str, path: &Path, rows: &Rows) -> usize {
    let mut noticed = 0;
    for file in snapshot(path).into_keys() {
        if file.extension().is_none_or(|found| found != extension) {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        for place in (0..bytes.len()).step_by((bytes.len() / 40).max(1)) {
            let copy = directory.join("copy");
            copy_directory(path, &copy).unwrap();
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            fs::write(copy.join(file.file_name().unwrap()), damaged).unwrap();
            match open(&copy).and_then(|storage| read_everything(&storage)) {
                Ok(found) => {
                    assert!(found == *rows, "{}, byte {place}: wrong data", file.display())
                }
                Err(StorageError::Corruption { .. } | StorageError::Disk { .. }) => noticed += 1,
                Err(error) => panic!("{}, byte {place}: {error}", file.display()),
            }
            fs::remove_dir_all(&copy).unwrap();
        }
    }
    noticed
}

fn read_everything(storage: &RocksStorage) -> Result<Rows, StorageError> {
    let mut found = Rows::new();
    for table in Table::ALL {
        for (key, value) in storage.scan(table, b""..&[0xff; 8], ScanLimit::NONE)? {
            found.insert((table, key), value);
        }
    }
    Ok(found)
}

#[test]
fn a_damaged_table_file_never_gives_wrong_data() {
    let temporary = tempfile::tempdir().unwrap();
    let (path, rows) = damageable(temporary.path(), RowsAre::InTableFiles);
    assert!(damage(temporary.path(), "sst", &path, &rows) > 40);
}

#[test]
fn a_damaged_record_in_the_synced_part_of_the_wal_is_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    let (path, rows) = damageable(temporary.path(), RowsAre::InWal);
    assert!(damage(temporary.path(), "log", &path, &rows) >= 40, "every byte of it matters");
}

#[test]
fn a_wal_that_lost_what_was_synced_is_refused_again_and_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (path, _) = damageable(temporary.path(), RowsAre::InWal);
    for (file, (bytes, _)) in snapshot(&path) {
        if file.extension().is_some_and(|extension| extension == "log") {
            fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    let reader = RocksStorage::open_read_only(&path);
    assert!(matches!(reader, Err(StorageError::Corruption { .. })), "{reader:?}");
    for _ in 0..2 {
        let opened = open(&path);
        assert!(matches!(opened, Err(StorageError::Corruption { .. })), "{opened:?}");
    }
}

#[test]
fn a_missing_or_damaged_synced_mark_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    drop(open(temporary.path()).unwrap());
    let mark = temporary.path().join(SYNCED);
    for content in [&b""[..], &[0; 16], &[7; 9]] {
        fs::write(&mark, content).unwrap();
        assert!(matches!(open(temporary.path()), Err(StorageError::Corruption { .. })));
    }
    fs::remove_file(&mark).unwrap();
    assert!(matches!(open(temporary.path()), Err(StorageError::Corruption { .. })));
}
