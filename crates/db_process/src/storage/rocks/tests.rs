//! Directories, locks and failures. The conformance suite tests the behaviours shared with the
//! model.

mod damage;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::crash::CrashableRocks;
use super::directory::FORMAT;
use super::{RocksSettings, RocksStorage};
use crate::storage::conformance::random::everything;
use crate::storage::{
    AtHand, Batch, Storage, StorageError, StorageOperation, StorageReader, Table,
};

fn open(path: &Path) -> Result<RocksStorage, StorageError> {
    RocksStorage::open(path, &RocksSettings::default())
}

/// A few hundred rows in every table, in several batches.
fn fill(storage: &impl Storage) {
    for chunk in 0..10_u32 {
        let mut batch = Batch::new();
        for index in 0..30_u32 {
            for table in Table::ALL {
                let key = [chunk.to_be_bytes(), index.to_be_bytes()].concat();
                batch.put(table, key, format!("value {index} of chunk {chunk}"));
            }
        }
        storage.write(batch).unwrap();
    }
}

/// Every file with its content and the time of its last change.
fn snapshot(path: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            (path.clone(), (fs::read(&path).unwrap(), changed))
        })
        .collect()
}

#[test]
fn the_directory_and_its_parents_are_made() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("a/b/c");
    fill(&open(&path).unwrap());
    assert_eq!(everything(&open(&path).unwrap()).len(), 1200);
}

#[test]
fn a_row_of_a_table_file_is_at_hand_once_it_was_read() {
    let temporary = tempfile::tempdir().unwrap();
    let key = |index: u32| [0_u32.to_be_bytes(), index.to_be_bytes()].concat();
    let storage = open(temporary.path()).unwrap();
    fill(&storage);
    let value = storage.get(Table::Records, &key(7)).unwrap().unwrap();
    let written = storage.at_hand(Table::Records, &key(7)).unwrap();
    assert_eq!(written, AtHand::Value(value.clone()), "what was written last is in memory");
    drop(storage);

    // The opening puts the recovered rows into table files.
    let storage = open(temporary.path()).unwrap();
    assert_eq!(storage.at_hand(Table::Records, &key(7)).unwrap(), AtHand::Unknown);
    storage.get(Table::Records, &key(7)).unwrap();
    assert_eq!(storage.at_hand(Table::Records, &key(7)).unwrap(), AtHand::Value(value));
    // With ten bits a key, a filter wrongly reports one of a hundred keys as present.
    let absent = (1_000..2_000)
        .filter(|index| storage.at_hand(Table::Records, &key(*index)).unwrap() == AtHand::Absent);
    assert!(absent.count() > 950);
}

#[test]
fn a_directory_in_use_is_refused_until_it_is_let_go() {
    let temporary = tempfile::tempdir().unwrap();
    let storage = open(temporary.path()).unwrap();
    let refused = open(temporary.path()).unwrap_err();
    assert_eq!(refused, StorageError::InUse { path: temporary.path().to_owned() });
    assert!(refused.to_string().contains("another process"), "{refused}");
    fill(&storage);
    drop(storage);
    open(temporary.path()).unwrap();
}

#[test]
fn a_directory_with_other_files_is_refused_and_not_touched() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join("notes.txt"), "mine").unwrap();
    let before = snapshot(temporary.path());
    assert!(matches!(open(temporary.path()), Err(StorageError::UnknownLayout { .. })));
    assert!(RocksStorage::open_read_only(temporary.path()).is_err());
    assert_eq!(snapshot(temporary.path()), before);
}

#[test]
fn a_newer_format_is_refused_and_not_touched() {
    let temporary = tempfile::tempdir().unwrap();
    drop(open(temporary.path()).unwrap());
    fs::write(temporary.path().join(FORMAT), "chainring-storage 4 with more words\n").unwrap();
    let before = snapshot(temporary.path());
    let expected =
        StorageError::NewerFormat { path: temporary.path().to_owned(), found: 4, supported: 3 };
    assert_eq!(open(temporary.path()).unwrap_err(), expected);
    assert_eq!(RocksStorage::open_read_only(temporary.path()).unwrap_err(), expected);
    assert_eq!(snapshot(temporary.path()), before);
}

#[test]
fn an_older_format_becomes_this_one() {
    let temporary = tempfile::tempdir().unwrap();
    fill(&open(temporary.path()).unwrap());
    fs::write(temporary.path().join(FORMAT), "chainring-storage 1\n").unwrap();
    assert_eq!(everything(&RocksStorage::open_read_only(temporary.path()).unwrap()).len(), 1200);
    let format = || fs::read_to_string(temporary.path().join(FORMAT)).unwrap();
    assert_eq!(format(), "chainring-storage 1\n", "who only reads changes nothing");
    let storage = open(temporary.path()).unwrap();
    assert_eq!(everything(&storage).len(), 1200);
    assert_eq!(format(), "chainring-storage 1\n", "nothing is written yet");
    storage.name_format().unwrap();
    assert_eq!(format(), "chainring-storage 3\n");
}

#[test]
fn a_format_file_of_something_else_is_refused() {
    for format in ["", "chainring-storage", "chainring-storage one", "chainring-storage 1 x", "\n"]
    {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join(FORMAT), format).unwrap();
        let opened = open(temporary.path());
        assert!(
            matches!(opened, Err(StorageError::UnknownLayout { .. })),
            "{format:?}: {opened:?}"
        );
    }
}

#[test]
fn a_missing_or_an_unknown_table_is_refused_and_not_touched() {
    for missing in [true, false] {
        let temporary = tempfile::tempdir().unwrap();
        drop(open(temporary.path()).unwrap());
        let families =
            rocksdb::DB::list_cf(&rocksdb::Options::default(), temporary.path()).unwrap();
        let options = rocksdb::Options::default();
        let mut database = rocksdb::DB::open_cf(&options, temporary.path(), families).unwrap();
        if missing {
            database.drop_cf(Table::Applied.name()).unwrap();
        } else {
            database.create_cf("of the future", &options).unwrap();
        }
        drop(database);
        let before = snapshot(temporary.path());
        let opened = open(temporary.path());
        assert!(matches!(opened, Err(StorageError::UnknownLayout { .. })), "{opened:?}");
        assert_eq!(snapshot(temporary.path()), before);
    }
}

#[test]
fn a_making_that_was_interrupted_is_begun_again() {
    let temporary = tempfile::tempdir().unwrap();
    drop(open(temporary.path()).unwrap());
    fs::write(temporary.path().join(FORMAT), "chainring-storage 1 unfinished\n").unwrap();
    // As if the process had died before it made a write-ahead log. RocksDB would not open such a
    // directory.
    for (path, _) in snapshot(temporary.path()) {
        if path.extension().is_some_and(|extension| extension == "log") {
            fs::remove_file(path).unwrap();
        }
    }
    let absent = StorageError::Absent { path: temporary.path().to_owned() };
    assert_eq!(RocksStorage::open_read_only(temporary.path()).unwrap_err(), absent);
    fill(&open(temporary.path()).unwrap());
    assert_eq!(everything(&open(temporary.path()).unwrap()).len(), 1200);
}

#[test]
fn reading_needs_no_writing() {
    let temporary = tempfile::tempdir().unwrap();
    let absent = temporary.path().join("absent");
    assert_eq!(
        RocksStorage::open_read_only(&absent).unwrap_err(),
        StorageError::Absent { path: absent.clone() }
    );
    assert!(!absent.exists());

    let path = temporary.path().join("db");
    let storage = CrashableRocks::open(&path, &RocksSettings::default()).unwrap();
    fill(&storage);
    // Nothing is flushed yet: a reader must replay the WAL, and leave it unchanged.
    let copy = temporary.path().join("copy");
    storage.copy_as_killed(&copy).unwrap();
    let before = snapshot(&copy);
    let reader = RocksStorage::open_read_only(&copy).unwrap();
    assert_eq!(everything(&reader), everything(&storage));
    drop(reader);
    assert_eq!(snapshot(&copy), before);
    // A reader also works beside the process with the open directory.
    let reader = RocksStorage::open_read_only(&path).unwrap();
    assert_eq!(everything(&reader), everything(&storage));
}

#[test]
fn a_directory_that_is_not_writable_is_an_error() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("db");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(path.join("probe"), "").is_ok() {
        // Permissions do not bind root.
        return;
    }
    let opened = open(&path);
    assert!(matches!(opened, Err(StorageError::Disk { .. })), "{opened:?}");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_an_error() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("db");
    fs::write(&path, "a file").unwrap();
    let opened = open(&path);
    assert!(matches!(opened, Err(StorageError::Disk { .. })), "{opened:?}");
    assert_eq!(fs::read(&path).unwrap(), b"a file");
}

#[test]
fn after_a_failed_write_every_write_and_sync_fails_with_the_first_error() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("db");
    let settings = RocksSettings { write_buffers_bytes_max: 128 << 10, ..RocksSettings::default() };
    let storage = RocksStorage::open(&path, &settings).unwrap();
    let mut before = Batch::new();
    before.put(Table::Meta, "before", "");
    storage.write(before).unwrap();
    // The next WAL file, or the next table file, cannot be made.
    fs::remove_dir_all(&path).unwrap();
    let first = (0..1000_u32).find_map(|index| {
        let mut batch = Batch::new();
        batch.put(Table::Records, index.to_be_bytes().to_vec(), vec![1; 2000]);
        storage.write(batch).err()
    });
    let first = first.unwrap();
    assert!(matches!(first, StorageError::Disk { .. }), "{first:?}");
    assert_eq!(storage.sync(), Err(first.clone()));
    assert_eq!(storage.write(Batch::new()), Err(first));
    assert!(storage.get(Table::Meta, b"before").unwrap().is_some(), "reads go on");
}

#[test]
fn a_failed_flush_in_the_background_fails_the_next_sync() {
    let temporary = tempfile::tempdir().unwrap();
    let storage = open(temporary.path()).unwrap();
    fill(&storage);
    storage.sync().unwrap();
    // No table file can be made, because its name is taken.
    for number in 0..100 {
        let _ = fs::create_dir(temporary.path().join(format!("{number:06}.sst")));
    }
    let family = storage.database.cf_handle(Table::Records.name()).unwrap();
    assert!(storage.database.flush_cf(family).is_err());
    let first = storage.sync().unwrap_err();
    assert!(
        matches!(first, StorageError::Disk { operation: StorageOperation::Sync, .. }),
        "{first:?}"
    );
    assert_eq!(storage.write(Batch::new()), Err(first));
}
