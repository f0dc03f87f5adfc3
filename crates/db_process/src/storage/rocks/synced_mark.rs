//! The synced end of the write-ahead log, to notice the loss of a synced part.
//!
//! Recovery cannot distinguish a tail torn by a power loss from a synced record damaged by the
//! disk: it stops there and reports nothing. This file holds the sequence number covered by the
//! last sync (RocksDB counts every change). The file is written after each sync and not synced
//! itself. So every value found in it was once reached, and a database that recovers to less has
//! lost durable data. After a kill of the process the value is exact; after a power loss it may
//! be some seconds old.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::storage::{StorageError, StorageOperation};

/// The file's name in the storage directory.
pub(super) const SYNCED: &str = "SYNCED";

/// The sequence number and its complement, eight bytes each, little endian. They fit one sector,
/// so they are never torn.
const LENGTH_BYTES: usize = 16;

/// The open file.
#[derive(Debug)]
pub(super) struct SyncedMark {
    file: File,
    path: PathBuf,
}

impl SyncedMark {
    /// Makes the file of a storage without any sync so far. The file is durable, except its
    /// directory entry.
    pub(super) fn create(directory: &Path) -> Result<(), StorageError> {
        let path = directory.join(SYNCED);
        let file =
            File::create(&path).map_err(|error| failed(StorageOperation::Open, &path, &error))?;
        let mark = Self { file, path };
        mark.store(0)?;
        mark.file.sync_all().map_err(|error| failed(StorageOperation::Open, &mark.path, &error))
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
                    operation: StorageOperation::Open,
                    detail: format!("{} is missing", path.display()),
                })
            }
            Err(error) => Err(failed(StorageOperation::Open, &path, &error)),
        }
    }

    /// Notes that everything up to a sequence number is durable.
    pub(super) fn store(&self, sequence: u64) -> Result<(), StorageError> {
        let mut bytes = [0; LENGTH_BYTES];
        bytes[..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&(!sequence).to_le_bytes());
        self.file
            .write_all_at(&bytes, 0)
            .map_err(|error| failed(StorageOperation::Sync, &self.path, &error))
    }

    /// Fails if the recovered data ends before the synced data.
    pub(super) fn check(&self, recovered: u64) -> Result<(), StorageError> {
        let synced = self.load()?;
        if recovered >= synced {
            return Ok(());
        }
        let detail = format!(
            "changes up to {synced} were durable, but only those up to {recovered} are found: \
             the write-ahead log is damaged"
        );
        Err(StorageError::Corruption { operation: StorageOperation::Open, detail })
    }

    fn load(&self) -> Result<u64, StorageError> {
        let mut sequence = [0; 8];
        let mut complement = [0; 8];
        self.file
            .read_exact_at(&mut sequence, 0)
            .and_then(|()| self.file.read_exact_at(&mut complement, 8))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => self.damaged(),
                _ => failed(StorageOperation::Open, &self.path, &error),
            })?;
        let sequence = u64::from_le_bytes(sequence);
        if u64::from_le_bytes(complement) != !sequence {
            return Err(self.damaged());
        }
        Ok(sequence)
    }

    fn damaged(&self) -> StorageError {
        let detail = format!("{} is damaged", self.path.display());
        StorageError::Corruption { operation: StorageOperation::Open, detail }
    }
}

fn failed(operation: StorageOperation, path: &Path, error: &std::io::Error) -> StorageError {
    StorageError::from_io(operation, path.display(), error)
}
