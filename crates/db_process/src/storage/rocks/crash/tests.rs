//! Torn tails, recovered by RocksDB itself.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    CrashableRocks, RocksSettings, WaitForCompactOptions, WalEnd, newest_wal, truncate, wal_number,
};
use crate::storage::conformance::model::{Rows, apply};
use crate::storage::conformance::random::{batch, everything};
use crate::storage::{Batch, Storage, StorageError, Table};

/// Settings with little memory, so that RocksDB flushes tables and begins WAL files many times.
fn small() -> RocksSettings {
    RocksSettings { write_buffers_bytes_max: 128 << 10, ..RocksSettings::default() }
}

/// The rows after each number of batches.
fn prefixes(batches: &[Batch]) -> Vec<Rows> {
    let mut rows = Rows::new();
    let mut prefixes = vec![rows.clone()];
    for batch in batches {
        apply(&mut rows, batch);
        prefixes.push(rows.clone());
    }
    prefixes
}

/// Loses power with `kept` unsynced bytes, and reads the remaining rows. `None` if there are
/// fewer unsynced bytes.
fn recover(storage: &CrashableRocks, directories: &TempDir, kept: u64) -> Option<Rows> {
    let target = directories.path().join(format!("kept-{kept}"));
    let mut unsynced = 0;
    let keep = |unsynced_bytes| {
        unsynced = unsynced_bytes;
        kept
    };
    storage.copy_as_powered_off(&target, keep).unwrap();
    let found = (kept <= unsynced)
        .then(|| everything(&CrashableRocks::open(&target, &RocksSettings::default()).unwrap()));
    fs::remove_dir_all(&target).unwrap();
    found
}

#[test]
fn a_tail_torn_at_any_byte_is_recovered_to_whole_batches() {
    let directories = tempfile::tempdir().unwrap();
    let storage =
        CrashableRocks::open(&directories.path().join("db"), &RocksSettings::default()).unwrap();
    let batches: Vec<Batch> = (0..4_u8)
        .map(|index| {
            let mut batch = Batch::new();
            batch.put(Table::Records, vec![index], vec![index; 8]);
            batch.delete_range(Table::Log, vec![0]..vec![index]);
            batch.put(Table::Log, vec![index], "entry");
            batch.put(Table::Meta, "position", vec![index]);
            batch
        })
        .collect();
    let prefixes = prefixes(&batches);
    for (index, batch) in batches.into_iter().enumerate() {
        storage.write(batch).unwrap();
        if index == 0 {
            storage.sync().unwrap();
        }
    }
    let mut newest = 1;
    let mut kept = 0;
    while let Some(found) = recover(&storage, &directories, kept) {
        let of = prefixes.iter().position(|rows| *rows == found);
        let of = of.unwrap_or_else(|| panic!("a partial batch after {kept} bytes: {found:?}"));
        assert!(
            of == newest || of == newest + 1,
            "{of} batches after {kept} bytes, {newest} before"
        );
        newest = of;
        kept += 1;
    }
    assert_eq!(newest, 4, "with every byte kept, every batch is there");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_random_torn_tail_is_recovered_to_a_prefix_that_holds_what_was_synced(
        history in vec((batch(), prop::bool::weighted(0.2)), 1..30),
        cuts in vec(0_u64..2000, 4),
    ) {
        let directories = tempfile::tempdir().unwrap();
        let storage =
            CrashableRocks::open(&directories.path().join("db"), &RocksSettings::default()).unwrap();
        let batches: Vec<Batch> = history.iter().map(|(batch, _)| batch.clone()).collect();
        let prefixes = prefixes(&batches);
        let mut synced = 0;
        for (index, (batch, sync)) in history.into_iter().enumerate() {
            storage.write(batch).unwrap();
            if sync {
                storage.sync().unwrap();
                synced = index + 1;
            }
        }
        for kept in cuts {
            if let Some(found) = recover(&storage, &directories, kept) {
                prop_assert!(prefixes[synced..].contains(&found), "{found:?} after {kept} bytes");
            }
        }
    }
}

/// One batch of some 2 KB in two tables; only one of the tables grows fast.
fn step(index: u32) -> Batch {
    let mut batch = Batch::new();
    batch.put(Table::Records, index.to_be_bytes().to_vec(), noise(index, 2000));
    batch.put(Table::Meta, "position", index.to_be_bytes().to_vec());
    batch
}

/// Bytes without a pattern to compress.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33).to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The number of steps found. They must be the first steps, and the same in both tables.
fn steps_found(storage: &CrashableRocks) -> u32 {
    let found = everything(storage);
    let steps =
        u32::try_from(found.keys().filter(|(of, _)| *of == Table::Records).count()).unwrap();
    let mut expected = Rows::new();
    for index in 0..steps {
        apply(&mut expected, &step(index));
    }
    assert!(found == expected, "{steps} records are no prefix");
    steps
}

#[test]
fn a_power_loss_among_flushes_and_several_wal_files_leaves_a_prefix() {
    let directories = tempfile::tempdir().unwrap();
    let source = directories.path().join("db");
    let storage = CrashableRocks::open(&source, &small()).unwrap();
    for index in 0..400 {
        storage.write(step(index)).unwrap();
        if index % 50 == 20 {
            storage.sync().unwrap();
        }
        if index % 13 == 0 {
            let target = directories.path().join(index.to_string());
            storage.copy_as_powered_off(&target, |unsynced| unsynced * 2 / 3).unwrap();
            let recovered = CrashableRocks::open(&target, &small()).unwrap();
            let found = steps_found(&recovered);
            let synced = if index < 20 { 0 } else { (index - 20) / 50 * 50 + 21 };
            assert!(found >= synced && found <= index + 1, "{found} of {} steps", index + 1);
            fs::remove_dir_all(&target).unwrap();
        }
    }
    let wal_files = fs::read_dir(&source)
        .unwrap()
        .filter(|entry| wal_number(&entry.as_ref().unwrap().path()).is_some());
    assert!(wal_files.count() > 2, "the test is about several WAL files");
}

/// The oldest WAL file of a directory.
fn oldest_wal(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| wal_number(path).is_some()).min_by_key(|path| wal_number(path)).unwrap()
}

/// Writes step 0, and goes on until there are several WAL files. Returns the end of the WAL
/// after step 0.
fn write_several_wal_files(storage: &CrashableRocks, source: &Path) -> WalEnd {
    storage.write(step(0)).unwrap();
    let end_of_step_0 = newest_wal(source).unwrap();
    let mut index = 1;
    while newest_wal(source).unwrap().file_number == end_of_step_0.file_number {
        storage.write(step(index)).unwrap();
        index += 1;
    }
    end_of_step_0
}

#[test]
fn an_unsynced_wal_file_that_ends_early_is_not_stepped_over() {
    let directories = tempfile::tempdir().unwrap();
    let source = directories.path().join("db");
    let storage = CrashableRocks::open(&source, &small()).unwrap();
    // The name of every table file is taken, so the first WAL file is not flushed, and recovery
    // needs both files.
    let taken: Vec<PathBuf> =
        (0..100).map(|number| source.join(format!("{number:06}.sst"))).collect();
    for path in &taken {
        fs::create_dir(path).unwrap();
    }
    let end_of_step_0 = write_several_wal_files(&storage, &source);
    let _ = storage.storage.database.wait_for_compact(&WaitForCompactOptions::default());
    for path in &taken {
        fs::remove_dir(path).unwrap();
    }

    let target = directories.path().join("cut");
    storage.copy_as_killed(&target).unwrap();
    truncate(&oldest_wal(&target), end_of_step_0.length_bytes).unwrap();
    assert_eq!(steps_found(&CrashableRocks::open(&target, &small()).unwrap()), 1);
}

#[test]
fn a_flush_that_knows_more_than_the_wal_before_it_is_damage() {
    let directories = tempfile::tempdir().unwrap();
    let source = directories.path().join("db");
    let storage = CrashableRocks::open(&source, &small()).unwrap();
    let end_of_step_0 = write_several_wal_files(&storage, &source);

    let target = directories.path().join("cut");
    storage.copy_as_killed(&target).unwrap();
    let oldest = oldest_wal(&target);
    let needed = Some(end_of_step_0.file_number);
    assert_eq!(wal_number(&oldest), needed, "the table Meta still needs its WAL file");
    truncate(&oldest, end_of_step_0.length_bytes).unwrap();
    let opened = CrashableRocks::open(&target, &small());
    assert!(matches!(opened, Err(StorageError::Corruption { .. })), "{opened:?}");
}

#[test]
fn what_is_recovered_needs_no_wal_once_it_is_open() {
    let directories = tempfile::tempdir().unwrap();
    let storage =
        CrashableRocks::open(&directories.path().join("db"), &RocksSettings::default()).unwrap();
    for index in 0..5 {
        storage.write(step(index)).unwrap();
    }
    let killed = directories.path().join("killed");
    storage.copy_as_killed(&killed).unwrap();

    let storage = CrashableRocks::open(&killed, &RocksSettings::default()).unwrap();
    assert_eq!(wal_number(&oldest_wal(&killed)), Some(newest_wal(&killed).unwrap().file_number));
    let powered_off = directories.path().join("powered off");
    storage.copy_as_powered_off(&powered_off, |_unsynced_bytes| 0).unwrap();
    truncate(&oldest_wal(&powered_off), 0).unwrap();
    assert_eq!(steps_found(&CrashableRocks::open(&powered_off, &small()).unwrap()), 5);
}
