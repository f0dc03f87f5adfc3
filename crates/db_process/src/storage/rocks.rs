//! The tables in RocksDB: one column family for each, and one write-ahead log (WAL) for all of
//! them.
//!
//! | module | owns |
//! |---|---|
//! | `settings` | the operator's settings, and every RocksDB option set by us, with its reason |
//! | `directory` | the directory: made durably, locked, its format checked before any write |
//! | `synced_mark` | the synced end of the WAL, to notice the loss of a synced part |
//! | `read` | gets and scans |
//! | `failure` | RocksDB's errors as ours |
//! | [`crash`] | directories as a kill or a power loss leaves them, for tests and the simulation |
//!
//! # What is durable when
//!
//! A write appends to the WAL without syncing. The data is then in the kernel, so a kill does
//! not lose it. [`sync`](Storage::sync) is `flush_wal(true)`: one fdatasync, after the
//! fdatasyncs of older unsynced WAL files.
//!
//! **After opening.** Recovery reads the WAL files with data not yet in tables, and writes this
//! data into new table files (`DBImpl::WriteLevel0TableForRecovery`;
//! `avoid_flush_during_recovery` is off). It syncs the table files, their directory and the
//! manifest with their names, and only then deletes the old WAL files. So all recovered data is
//! durable when `open` returns, including the unsynced data of the last process. The `sync`
//! after it finds nothing left to do. (With that option on, the old WAL files would stay, and
//! `flush_wal` would *not* sync them: this would break rule 11.) The caller must still follow
//! the rule, because [`Storage`] promises no more.
//!
//! **A torn tail.** Point-in-time recovery stops at the first truncated or damaged record. It
//! finds a prefix of the batches, each of them whole, because a batch is one record. The records
//! themselves do not distinguish a tail torn by a power loss (expected) from a damaged synced
//! record (lost data); `synced_mark` does. Without `track_and_verify_wals` there could be a hole
//! between two WAL files: an older file that lost its unsynced tail exactly at the end of a
//! record looks whole, and recovery would replay the newer file behind the gap.
//!
//! **Failures.** After some errors in the background, RocksDB resumes by itself. For this it
//! syncs again the WAL files whose sync failed (`reset_seen_error`), and so calls data durable
//! that the kernel has dropped. We turn this off as far as possible, and any failed background
//! job fails the next sync.

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
    AtHand, Batch, Change, ScanLimit, Storage, StorageError, StorageOperation, StorageReader, Table,
};

pub use settings::RocksSettings;

/// The tables of one node in a directory of their own, open for reading and writing.
///
/// No other process can open the directory while this lives. Dropping it syncs nothing.
#[derive(Debug)]
pub struct RocksStorage {
    // Fields are dropped in this order: RocksDB closes its files before another process may open
    // them.
    database: DB,
    synced_mark: SyncedMark,
    poison: Poison,
    _lock: DirectoryLock,
}

impl RocksStorage {
    /// Opens the storage in the directory `path`. If the directory is missing or empty, makes a
    /// storage there.
    ///
    /// The directory belongs to the storage alone: keep other files beside it, not in it. When
    /// this returns, all data found there is durable, and so is the directory itself, with any
    /// parents made for it.
    ///
    /// # Errors
    ///
    /// [`StorageError::InUse`], [`StorageError::UnknownLayout`] and
    /// [`StorageError::NewerFormat`] before anything is touched; [`StorageError::Corruption`] if
    /// synced data is damaged or missing; [`StorageError::Disk`] and [`StorageError::Full`].
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, StorageError> {
        if directory::contents(path)? == Contents::Nothing {
            directory::create(path)?;
        }
        let lock = DirectoryLock::take(path)?;
        // Read again: another process may have used the directory before we took the lock.
        let contents = directory::contents(path)?;
        directory::make_private(path);
        let database = match contents {
            Contents::Nothing | Contents::Unfinished => make_database(path, settings)?,
            Contents::Finished { .. } => settings::open(path, settings)?,
        };
        let synced_mark = SyncedMark::open(path)?;
        synced_mark.check(database.latest_sequence_number())?;
        synced_mark.store(database.latest_sequence_number())?;
        Ok(Self { database, synced_mark, poison: Poison::default(), _lock: lock })
    }

    /// Opens the storage in the directory `path` for reading, and writes nothing there.
    ///
    /// The reader sees the data that [`open`](Self::open) would find now. Another process may
    /// have the directory open at the same time. Then the opening can fail, and later reads too,
    /// because files disappear.
    ///
    /// # Errors
    ///
    /// [`StorageError::Absent`] if no storage was made there, or if its making was not finished;
    /// otherwise as [`open`](Self::open).
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
    /// RocksDB may have repaired the failure by itself, but the repair is not sound if the sync
    /// of a WAL file failed. A failed compaction means damaged data or a broken disk.
    fn refuse_background_errors(&self) -> Result<(), StorageError> {
        let failed = self
            .database
            .property_int_value(properties::BACKGROUND_ERRORS)
            .map_err(|error| from_rocksdb(StorageOperation::Sync, &error))?;
        if failed.unwrap_or(0) == 0 {
            return Ok(());
        }
        let detail = format!(
            "a flush or compaction in the background failed; the file LOG in {} tells why",
            self.database.path().display()
        );
        Err(StorageError::Disk { operation: StorageOperation::Sync, detail })
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
        self.database
            .cf_handle(table.name())
            .ok_or_else(|| no_such_table(StorageOperation::Write, table))
    }
}

/// Makes the storage in a directory without one, or with one whose making was interrupted.
fn make_database(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    directory::mark_unfinished(path)?;
    // An interrupted making has never been handed to a caller, and RocksDB cannot always open
    // its remains.
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
    fn name_format(&self) -> Result<(), StorageError> {
        directory::name_format(self.database.path())
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.poison.guard(|| {
            if batch.is_empty() {
                return Ok(());
            }
            let mut options = WriteOptions::default();
            options.set_sync(false);
            self.database
                .write_opt(self.encode(&batch)?, &options)
                .map_err(|error| from_rocksdb(StorageOperation::Write, &error))
        })
    }

    fn sync(&self) -> Result<(), StorageError> {
        // Taken before the sync: the sync may not cover a write made while it runs.
        self.sync_to(self.database.latest_sequence_number())
    }
}

impl RocksStorage {
    /// Syncs, and notes that everything up to a sequence number is durable.
    fn sync_to(&self, sequence: u64) -> Result<(), StorageError> {
        self.poison.guard(|| {
            self.database
                .flush_wal(true)
                .map_err(|error| from_rocksdb(StorageOperation::Sync, &error))?;
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
