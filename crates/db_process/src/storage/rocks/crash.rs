//! Directories as a kill or a power loss leaves them: for tests and the simulation.
//!
//! Dropping a handle is not a crash, because RocksDB tidies up. So the directory is copied while
//! the handle is open. The copy after a kill is complete; the copy after a power loss lacks
//! unsynced bytes. Opening the copy runs the real recovery.
//!
//! Only the **newest** WAL file has unsynced bytes. Older files were ended by the flush of a
//! memtable, and the flush syncs them (`SyncClosedWals`); the copy waits until no flush is
//! running. Table files and the manifest are synced when they are made.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocksdb::WaitForCompactOptions;

use super::{RocksSettings, RocksStorage};
use crate::storage::{
    Batch, BeginsSync, EndSync, ReadsThrough, Storage, StorageError, StorageOperation,
    StorageReader,
};

/// A [`RocksStorage`] that knows the synced bytes of its WAL, so that a test can play a crash.
#[derive(Debug)]
pub struct CrashableRocks {
    storage: RocksStorage,
    /// The newest WAL file and its length at its last sync. Locked while the WAL grows or is
    /// inspected.
    synced: Mutex<WalEnd>,
}

/// Everything written by some moment.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// RocksDB's number of the last change.
    sequence: u64,
    end: WalEnd,
}

/// The end of the newest WAL file. A file of a higher number is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WalEnd {
    file_number: u64,
    length_bytes: u64,
}

impl CrashableRocks {
    /// Opens the storage, as [`RocksStorage::open`] does.
    ///
    /// # Errors
    ///
    /// Those of [`RocksStorage::open`].
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, StorageError> {
        let storage = RocksStorage::open(path, settings)?;
        // If the opening wrote to the new WAL file, it has synced this.
        let synced = Mutex::new(newest_wal(path)?);
        Ok(Self { storage, synced })
    }

    /// Copies the directory as a kill of this process would leave it, with every write.
    ///
    /// `target` is made, with its parents.
    ///
    /// # Errors
    ///
    /// [`StorageError::Disk`] or [`StorageError::Full`]; `target` is then worthless.
    pub fn copy_as_killed(&self, target: &Path) -> Result<(), StorageError> {
        self.copy_as_powered_off(target, |unsynced_bytes| unsynced_bytes)
    }

    /// Copies the directory as a power loss would leave it: the bytes written since the last
    /// sync are there up to some point.
    ///
    /// `kept` takes the number of unsynced bytes, and returns how many to keep; a greater number
    /// means all. `target` is made, with its parents.
    ///
    /// # Errors
    ///
    /// [`StorageError::Disk`] or [`StorageError::Full`]; `target` is then worthless.
    pub fn copy_as_powered_off(
        &self,
        target: &Path,
        kept: impl FnOnce(u64) -> u64,
    ) -> Result<(), StorageError> {
        let synced = self.lock();
        let source = self.storage.database.path();
        self.storage.settle();
        copy_directory(source, target)?;
        let newest = newest_wal(target)?;
        // A file begun after the last sync has no synced bytes.
        let synced_bytes =
            if newest.file_number == synced.file_number { synced.length_bytes } else { 0 };
        let unsynced_bytes = newest.length_bytes.saturating_sub(synced_bytes);
        let length_bytes = synced_bytes + kept(unsynced_bytes).min(unsynced_bytes);
        truncate(&wal_path(target, newest.file_number), length_bytes)
    }

    fn lock(&self) -> MutexGuard<'_, WalEnd> {
        // After a panic the remembered end is at worst too early, and the crash harsher.
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadsThrough for CrashableRocks {
    fn reader(&self) -> &dyn StorageReader {
        &self.storage
    }
}

impl Storage for CrashableRocks {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let _synced = self.lock();
        self.storage.write(batch)
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.storage.name_format()
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.sync_to(self.written()?)
    }
}

impl BeginsSync for CrashableRocks {
    fn begin_sync(self: Arc<Self>) -> EndSync {
        let written = self.written();
        Box::new(move || self.sync_to(written?))
    }
}

impl CrashableRocks {
    /// Everything written so far.
    fn written(&self) -> Result<Written, StorageError> {
        let database = &self.storage.database;
        let sequence = database.latest_sequence_number();
        Ok(Written { sequence, end: newest_wal(database.path())? })
    }

    /// Syncs, and remembers this end of the WAL. Bytes behind it count as unsynced.
    fn sync_to(&self, written: Written) -> Result<(), StorageError> {
        let mut synced = self.lock();
        self.storage.sync_to(written.sequence)?;
        *synced = written.end.max(*synced);
        Ok(())
    }
}

impl RocksStorage {
    /// Waits until no flush or compaction runs, so that the directory stays unchanged while
    /// nobody writes.
    fn settle(&self) {
        // The answer is the database's background error, if any. A crash may well follow such an
        // error.
        let _ = self.database.wait_for_compact(&WaitForCompactOptions::default());
    }
}

/// Copies a directory's files, except RocksDB's lock and its LOG files.
pub(super) fn copy_directory(source: &Path, target: &Path) -> Result<(), StorageError> {
    fs::create_dir_all(target).map_err(|error| failed(target, &error))?;
    for entry in fs::read_dir(source).map_err(|error| failed(source, &error))? {
        let name = entry.map_err(|error| failed(source, &error))?.file_name();
        if name.as_encoded_bytes().starts_with(b"LO") {
            continue;
        }
        fs::copy(source.join(&name), target.join(&name))
            .map_err(|error| failed(&source.join(&name), &error))?;
    }
    Ok(())
}

/// The newest WAL file in a directory.
fn newest_wal(directory: &Path) -> Result<WalEnd, StorageError> {
    let mut newest = None;
    for entry in fs::read_dir(directory).map_err(|error| failed(directory, &error))? {
        let path = entry.map_err(|error| failed(directory, &error))?.path();
        newest = newest.max(wal_number(&path));
    }
    let Some(file_number) = newest else {
        return Err(failed(directory, &io::Error::other("there is no write-ahead log")));
    };
    let path = wal_path(directory, file_number);
    let metadata = fs::metadata(&path).map_err(|error| failed(&path, &error))?;
    Ok(WalEnd { file_number, length_bytes: metadata.len() })
}

/// The number in a WAL file's name (`000123.log`); `None` for other files.
fn wal_number(path: &Path) -> Option<u64> {
    let number = path.file_name()?.to_str()?.strip_suffix(".log")?;
    number.parse().ok()
}

fn wal_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:06}.log"))
}

fn truncate(path: &Path, length_bytes: u64) -> Result<(), StorageError> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(length_bytes))
        .map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> StorageError {
    StorageError::from_io(StorageOperation::Copy, path.display(), error)
}

#[cfg(test)]
mod tests;
