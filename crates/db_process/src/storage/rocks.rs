//! The tables in RocksDB: one column family each, and one write-ahead log (WAL) for all of them.
//!
//! | module | owns |
//! |---|---|
//! | `settings` | what an operator may choose, and every RocksDB option that we set, with its reason |
//! | `directory` | whose directory it is: made durably, locked, its format checked before anything is written |
//! | `synced_mark` | how far the WAL was synced, so that its loss is noticed |
//! | `read` | gets and scans |
//! | `failure` | RocksDB's errors as ours |
//! | [`crash`] | what a kill or a power loss would leave of a directory, for tests and the simulation |
//!
//! # What is durable when
//!
//! A write appends to the WAL without syncing: it is in the kernel, so a kill does not lose it. [`sync`](Storage::sync)
//! is `flush_wal(true)`: one fdatasync, preceded by those of older WAL files that are not synced yet.
//!
//! **After opening.** Recovery reads the WAL files that hold data not yet in tables, writes that data into new table
//! files (`DBImpl::WriteLevel0TableForRecovery`; `avoid_flush_during_recovery` is off), syncs them, their
//! directory and the manifest that names them, and only then deletes the old WAL files. So all that was recovered
//! is durable when `open` returns, also what the last process had not synced; the `sync` after it finds nothing
//! left to do. (Were that option on, the old WAL files would stay and *not* be among the files that `flush_wal` syncs:
//! rule 11 would be broken.) The rule stays with the caller all the same, because [`Storage`] promises no more.
//!
//! **A torn tail.** Point-in-time recovery stops at the first record that is cut off or damaged: what is found is a
//! prefix of the batches, each of them whole, since a batch is one record. Records have no other way of telling a
//! tail torn by a power loss (expected) from a damaged synced record (lost data); `synced_mark` tells them apart.
//! Between two WAL files there would be a hole: an older file that lost its unsynced tail exactly at a record's end
//! looks whole, and the newer file would be replayed behind the gap. `track_and_verify_wals` closes it.
//!
//! **Failures.** RocksDB goes on by itself after some errors in the background, for which it syncs WAL files again
//! that failed to sync before (`reset_seen_error`), and so calls durable what the kernel has dropped. We turn that off
//! where it can be, and any failed background job fails the next sync.

pub mod crash;
mod directory;
mod failure;
mod read;
mod settings;
mod synced_mark;

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use rocksdb::{DB, WriteBatch, WriteOptions, properties};

use self::directory::{Contents, DirectoryLock};
use self::failure::{from_rocksdb, no_such_table};
use self::synced_mark::SyncedMark;
use super::poison::Poison;
use super::{
    AtHand, Batch, Change, Operation, ScanLimit, Storage, StorageError, StorageReader, Table,
};

pub use settings::RocksSettings;

/// The tables of one node in a directory of their own, open for reading and writing.
///
/// While it lives no other process can open the directory. Dropping it syncs nothing.
#[derive(Debug)]
pub struct RocksStorage {
    // Fields are dropped in this order: RocksDB lets go of its files before another process may come.
    database: DB,
    synced_mark: SyncedMark,
    poison: Poison,
    _lock: DirectoryLock,
}

impl RocksStorage {
    /// Opens the storage in the directory `path`, or makes one where there is no directory or an empty one.
    ///
    /// The directory belongs to the storage alone: keep other files beside it, not in it. Everything that is found in it
    /// is durable afterwards, and so is the directory itself, parents that had to be made included.
    ///
    /// # Errors
    ///
    /// [`StorageError::InUse`], [`StorageError::UnknownLayout`] and [`StorageError::NewerFormat`] before anything is
    /// touched; [`StorageError::Corruption`] where data that was synced is damaged or missing;
    /// [`StorageError::Disk`] and [`StorageError::Full`].
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, StorageError> {
        if directory::contents(path)? == Contents::Nothing {
            directory::create(path)?;
        }
        let lock = DirectoryLock::take(path)?;
        // Looked at again, since another process may have been here before the lock was ours.
        let contents = directory::contents(path)?;
        directory::make_private(path);
        let database = match contents {
            Contents::Nothing | Contents::Unfinished => make_database(path, settings)?,
            Contents::Finished { format } => {
                let database = settings::open(path, settings)?;
                directory::upgrade(path, format)?;
                database
            }
        };
        let synced_mark = SyncedMark::open(path)?;
        synced_mark.check(database.latest_sequence_number())?;
        synced_mark.store(database.latest_sequence_number())?;
        Ok(Self { database, synced_mark, poison: Poison::default(), _lock: lock })
    }

    /// Opens the storage in the directory `path` for reading, and writes nothing there.
    ///
    /// It sees what [`open`](Self::open) would find, as of now. A process may have the directory open at the same time,
    /// but then the opening can fail, and later reads too, as files go away underneath.
    ///
    /// # Errors
    ///
    /// [`StorageError::Absent`] where no storage was made or its making was not finished; otherwise as
    /// [`open`](Self::open).
    pub fn open_read_only(path: &Path) -> Result<RocksReader, StorageError> {
        if !matches!(directory::contents(path)?, Contents::Finished { .. }) {
            return Err(StorageError::Absent { path: path.to_owned() });
        }
        let database = settings::open_read_only(path)?;
        SyncedMark::read(path)?.check(database.latest_sequence_number())?;
        Ok(RocksReader { database })
    }

    /// Fails if a flush or compaction failed since the opening.
    ///
    /// RocksDB may have mended it by itself, but not soundly where a WAL file's sync failed; and a compaction that
    /// failed met damaged data, or a disk that does not work.
    fn refuse_background_errors(&self) -> Result<(), StorageError> {
        let failed = self
            .database
            .property_int_value(properties::BACKGROUND_ERRORS)
            .map_err(|error| from_rocksdb(Operation::Sync, &error))?;
        if failed.unwrap_or(0) == 0 {
            return Ok(());
        }
        let detail = format!(
            "a flush or compaction in the background failed; the file LOG in {} tells why",
            self.database.path().display()
        );
        Err(StorageError::Disk { operation: Operation::Sync, detail })
    }

    fn encode(&self, batch: &Batch) -> Result<WriteBatch, StorageError> {
        let mut encoded = WriteBatch::default();
        for change in batch.changes() {
            match change {
                Change::Put { table, key, value } => {
                    encoded.put_cf(self.family(*table)?, key, value);
                }
                Change::Delete { table, key } => encoded.delete_cf(self.family(*table)?, key),
                Change::DeleteRange { table, from, to } => {
                    encoded.delete_range_cf(self.family(*table)?, from, to);
                }
            }
        }
        Ok(encoded)
    }

    fn family(&self, table: Table) -> Result<&rocksdb::ColumnFamily, StorageError> {
        self.database.cf_handle(table.name()).ok_or_else(|| no_such_table(Operation::Write, table))
    }
}

/// Makes the storage in a directory that holds none, or one whose making was interrupted.
fn make_database(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    directory::mark_unfinished(path)?;
    // Nobody was ever handed what an interrupted making left, and RocksDB does not open all of it.
    settings::destroy(path)?;
    SyncedMark::create(path)?;
    let database = settings::create(path, settings)?;
    directory::mark_finished(path)?;
    Ok(database)
}

impl StorageReader for RocksStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        read::get(&self.database, table, key)
    }

    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        read::at_hand(&self.database, table, key)
    }

    fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        read::scan(&self.database, table, range, limit)
    }

    fn last(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        read::last(&self.database, table, range)
    }
}

impl Storage for RocksStorage {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.poison.guard(|| {
            if batch.is_empty() {
                return Ok(());
            }
            let mut options = WriteOptions::default();
            options.set_sync(false);
            self.database
                .write_opt(self.encode(&batch)?, &options)
                .map_err(|error| from_rocksdb(Operation::Write, &error))
        })
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.poison.guard(|| {
            // Taken before the sync: what is written while it runs may not be covered by it.
            let sequence = self.database.latest_sequence_number();
            self.database.flush_wal(true).map_err(|error| from_rocksdb(Operation::Sync, &error))?;
            self.refuse_background_errors()?;
            self.synced_mark.store(sequence)
        })
    }
}

/// The tables of one node, open for audits.
#[derive(Debug)]
pub struct RocksReader {
    database: DB,
}

impl StorageReader for RocksReader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        read::get(&self.database, table, key)
    }

    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        read::at_hand(&self.database, table, key)
    }

    fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        read::scan(&self.database, table, range, limit)
    }

    fn last(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        read::last(&self.database, table, range)
    }
}

#[cfg(test)]
mod tests;
