//! The failures of stored data, split by the caller's next step.

use std::fmt;
#[cfg(feature = "rocksdb")]
use std::io;
use std::path::PathBuf;

/// Why stored data could not be read or changed.
///
/// | variants | the caller's next step |
/// |---|---|
/// | `Disk`, `Full` | end the process; a new start is safe once the disk works and has space |
/// | `Corruption` | end the process; the data is lost (rule 9): start with an empty directory |
/// | `InUse`, `UnknownLayout`, `NewerFormat`, `Absent` | nothing was touched: tell the operator |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused an operation or failed in it.
    #[error("the disk failed when {operation}: {detail}")]
    Disk {
        /// The failed operation.
        operation: StorageOperation,
        /// The message of the operating system or of RocksDB.
        detail: String,
    },
    /// There is no space left.
    #[error(
        "the disk is full, seen when {operation}: {detail}; make space and start the process again"
    )]
    Full {
        /// The failed operation.
        operation: StorageOperation,
        /// The message of the operating system or of RocksDB.
        detail: String,
    },
    /// The stored data differs from the written data, or durable data is missing.
    #[error(
        "the stored data is damaged, seen when {operation}: {detail}; move the directory away and start with an \
         empty one, so that the node is restored from its neighbours"
    )]
    Corruption {
        /// The failed operation.
        operation: StorageOperation,
        /// The damage, and its place.
        detail: String,
    },
    /// Another process has the directory open.
    #[error(
        "{path} is used by another process: end it, or give each process a directory of its own"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Another program made the directory, or somebody changed it. Nothing was written to it.
    #[error(
        "{path} is no storage directory of Chainring: {detail}; give an empty or a new directory"
    )]
    UnknownLayout {
        /// The directory.
        path: PathBuf,
        /// The expected and the found content.
        detail: String,
    },
    /// A newer release made the directory. Nothing was written to it.
    #[error(
        "{path} is of storage format {found}, this release knows up to {supported}: run a newer release"
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known to this release.
        supported: u32,
    },
    /// There is nothing to read, because no storage was ever made there.
    #[error("{path} holds no storage: nothing was ever stored there")]
    Absent {
        /// The directory.
        path: PathBuf,
    },
}

impl StorageError {
    /// Turns an error of the operating system into ours.
    #[cfg(feature = "rocksdb")]
    pub(super) fn from_io(
        operation: StorageOperation,
        what: impl fmt::Display,
        error: &io::Error,
    ) -> Self {
        let detail = format!("{what}: {}", process::files::told(error));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { operation, detail }
            }
            _ => Self::Disk { operation, detail },
        }
    }
}

/// The operation during a failure of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageOperation {
    /// Opening or creating the directory, including the recovery of its content.
    Open,
    /// Reading a table.
    Read,
    /// Writing a batch.
    Write,
    /// Making written batches durable.
    Sync,
    /// Copying the directory.
    Copy,
}

impl fmt::Display for StorageOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "opening the storage",
            Self::Read => "reading",
            Self::Write => "writing a batch",
            Self::Sync => "making batches durable",
            Self::Copy => "copying the directory",
        })
    }
}
