//! How far the write-ahead log was synced, so that a loss of what was synced is noticed.
//!
//! Recovery cannot tell a tail that a power loss tore off from a synced record that the disk has damaged: it stops
//! there and says nothing. This file holds the sequence number (RocksDB counts every change) that the last sync
//! covered. It is written after each sync and not synced itself, so whatever value the disk holds was reached, and a
//! database that recovers to less has lost what it promised to keep. Where the process was only killed the value is
//! exact; after a power loss it may be some seconds old.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::storage::{Operation, StorageError};

/// The file's name in the storage directory.
pub(super) const SYNCED: &str = "SYNCED";

/// The sequence number and its complement, eight bytes each, little endian: within one sector, so never torn.
const LENGTH_BYTES: usize = 16;

/// The open file.
#[derive(Debug)]
pub(super) struct SyncedMark {
    file: File,
    path: PathBuf,
}

impl SyncedMark {
    /// Makes the file of a storage that has synced nothing yet, durable but for its directory entry.
    pub(super) fn create(directory: &Path) -> Result<(), StorageError> {
        let path = directory.join(SYNCED);
        let file = File::create(&path).map_err(|error| failed(Operation::Open, &path, &error))?;
        let mark = Self { file, path };
        mark.store(0)?;
        mark.file.sync_all().map_err(|error| failed(Operation::Open, &mark.path, &error))
    }

    /// Opens the file for reading and writing.
    pub(super) fn open(directory: &Path) -> Result<Self, StorageError> {
        Self::open_with(directory, OpenOptions::new().read(true).write(true))
    }

    /// Opens the file for reading alone.
    pub(super) fn read(directory: &Path) -> Result<Self, StorageError> {
        Self::open_with(directory, OpenOptions::new().read(true))
    }

    fn open_with(directory: &Path, options: &OpenOptions) -> Result<Self, StorageError> {
        let path = directory.join(SYNCED);
        match options.open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(StorageError::Corruption {
                    operation: Operation::Open,
                    detail: format!("{} is missing", path.display()),
                })
            }
            Err(error) => Err(failed(Operation::Open, &path, &error)),
        }
    }

    /// Remembers that everything up to a sequence number is durable.
    pub(super) fn store(&self, sequence: u64) -> Result<(), StorageError> {
        let mut bytes = [0; LENGTH_BYTES];
        bytes[..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&(!sequence).to_le_bytes());
        self.file
            .write_all_at(&bytes, 0)
            .map_err(|error| failed(Operation::Sync, &self.path, &error))
    }

    /// Fails if what was recovered ends before what was synced.
    pub(super) fn check(&self, recovered: u64) -> Result<(), StorageError> {
        let synced = self.load()?;
        if recovered >= synced {
            return Ok(());
        }
        let detail = format!(
            "changes up to {synced} were durable, but only those up to {recovered} are found: \
             the write-ahead log is damaged"
        );
        Err(StorageError::Corruption { operation: Operation::Open, detail })
    }

    fn load(&self) -> Result<u64, StorageError> {
        let mut sequence = [0; 8];
        let mut complement = [0; 8];
        self.file
            .read_exact_at(&mut sequence, 0)
            .and_then(|()| self.file.read_exact_at(&mut complement, 8))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => self.damaged(),
                _ => failed(Operation::Open, &self.path, &error),
            })?;
        let sequence = u64::from_le_bytes(sequence);
        if u64::from_le_bytes(complement) != !sequence {
            return Err(self.damaged());
        }
        Ok(sequence)
    }

    fn damaged(&self) -> StorageError {
        let detail = format!("{} is damaged", self.path.display());
        StorageError::Corruption { operation: Operation::Open, detail }
    }
}

fn failed(operation: Operation, path: &Path, error: &std::io::Error) -> StorageError {
    StorageError::from_io(operation, path.display(), error)
}
