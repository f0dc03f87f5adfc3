//! The behaviours of every [`Storage`], written once and run against each.
//!
//! A [`Machine`] boots storage, is killed and loses power. [`behaviours`] test the promises case
//! by case; [`random`] runs arbitrary histories against a plain model.

mod behaviours;
pub(super) mod model;
pub(super) mod random;
mod retention;

use std::ops::Range;

use bytes::Bytes;
use tempfile::TempDir;

use super::memory::{MemoryDisk, MemoryStorage};
use super::rocks::RocksSettings;
use super::rocks::crash::CrashableRocks;
use super::{Batch, BeginsSync, ScanLimit, Storage, StorageReader, Table};

/// A machine with one disk. One process at a time has the storage open.
trait Machine {
    /// The storage of a process.
    type Storage: BeginsSync;

    /// A process starts and opens the storage.
    fn boot(&mut self) -> Self::Storage;

    /// The process is killed.
    fn kill(&mut self, storage: Self::Storage);

    /// The machine loses power, and every unsynced write.
    fn power_loss(&mut self, storage: Self::Storage);
}

/// The in-memory model.
#[derive(Default)]
struct MemoryMachine {
    disk: MemoryDisk,
}

impl Machine for MemoryMachine {
    type Storage = MemoryStorage;

    fn boot(&mut self) -> MemoryStorage {
        self.disk.open()
    }

    fn kill(&mut self, storage: MemoryStorage) {
        drop(storage);
    }

    fn power_loss(&mut self, storage: MemoryStorage) {
        self.disk.power_loss();
        drop(storage);
    }
}

/// RocksDB; every crash moves on to a copy of the directory.
struct RocksMachine {
    directories: TempDir,
    crashes: usize,
}

impl RocksMachine {
    fn directory(&self) -> std::path::PathBuf {
        self.directories.path().join(self.crashes.to_string())
    }
}

impl Default for RocksMachine {
    fn default() -> Self {
        Self { directories: tempfile::tempdir().unwrap(), crashes: 0 }
    }
}

impl Machine for RocksMachine {
    type Storage = CrashableRocks;

    fn boot(&mut self) -> CrashableRocks {
        CrashableRocks::open(&self.directory(), &RocksSettings::default()).unwrap()
    }

    fn kill(&mut self, storage: CrashableRocks) {
        self.crashes += 1;
        storage.copy_as_killed(&self.directory()).unwrap();
    }

    fn power_loss(&mut self, storage: CrashableRocks) {
        self.crashes += 1;
        storage.copy_as_powered_off(&self.directory(), |_unsynced_bytes| 0).unwrap();
    }
}

/// A bound above every key used by the tests of this suite.
const END: &[u8] = &[0xff; 8];

/// All rows of a table.
fn rows(storage: &impl StorageReader, table: Table) -> Vec<(Bytes, Bytes)> {
    storage.scan(table, b""..END, ScanLimit::NONE).unwrap()
}

/// The keys of a range, as text.
fn keys(storage: &impl Storage, table: Table, range: Range<&str>, limit: ScanLimit) -> Vec<String> {
    let range = range.start.as_bytes()..range.end.as_bytes();
    let rows = storage.scan(table, range, limit).unwrap();
    rows.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect()
}

/// A batch that puts each key with a value of its own.
fn puts(table: Table, keys: &[&'static str]) -> Batch {
    let mut batch = Batch::new();
    for key in keys {
        batch.put(table, *key, format!("value of {key}"));
    }
    batch
}

/// Makes a module of tests for one kind of machine, with one test for each behaviour.
macro_rules! conforms {
    ($module:ident, $machine:ty, [$($suite:ident :: $behaviour:ident),* $(,)?]) => {
        mod $module {
            $(
                #[test]
                fn $behaviour() {
                    super::$suite::$behaviour(&mut <$machine>::default());
                }
            )*
        }
    };
}

/// Runs every behaviour against one kind of machine.
macro_rules! conforms_to_all {
    ($module:ident, $machine:ty) => {
        conforms!(
            $module,
            $machine,
            [
                behaviours::a_key_reads_as_written_before_it_is_synced,
                behaviours::a_batch_of_several_tables_is_applied_whole,
                behaviours::the_last_change_of_a_batch_wins,
                behaviours::tables_do_not_share_keys,
                behaviours::an_empty_batch_changes_nothing,
                behaviours::empty_keys_and_values_are_kept_apart_from_absent_ones,
                behaviours::big_values_come_back_whole,
                behaviours::a_scan_is_ascending_and_leaves_out_its_end,
                behaviours::a_scan_stops_at_the_row_that_reaches_a_limit,
                behaviours::a_backward_range_is_empty,
                behaviours::keys_are_ordered_by_unsigned_bytes_and_then_by_length,
                behaviours::last_is_the_greatest_key_below_the_end,
                behaviours::a_range_deletion_takes_its_start_and_spares_its_end,
                behaviours::a_key_put_behind_a_range_deletion_of_the_same_batch_stays,
                behaviours::a_trimmed_log_is_read_from_its_first_live_entry,
                retention::a_killed_process_finds_unsynced_writes_again,
                retention::a_power_loss_takes_what_was_not_synced_and_nothing_else,
                retention::a_power_loss_undoes_puts_deletions_and_range_deletions,
                retention::what_a_kill_left_is_durable_after_a_sync,
                retention::a_sync_with_nothing_to_do_succeeds,
                retention::a_sync_covers_what_was_written_before_its_begin,
                retention::crashes_may_follow_each_other,
                retention::a_first_boot_finds_nothing,
            ]
        );
    };
}

conforms_to_all!(memory, super::MemoryMachine);
conforms_to_all!(rocks, super::RocksMachine);
