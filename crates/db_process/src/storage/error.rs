//! What can go wrong with stored data, split by what the caller does next.

use std::fmt;
#[cfg(feature = "rocksdb")]
use std::io;
use std::path::PathBuf;

/// Why stored data could not be read or changed.
///
/// | variants | what to do |
/// |---|---|
/// | `Disk`, `Full` | end the process; starting it again is safe once the disk works and has space |
/// | `Corruption` | end the process; what is stored is lost (rule 9): start again with an empty directory |
/// | `InUse`, `UnknownLayout`, `NewerFormat`, `Absent` | nothing was touched: tell the operator |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused an operation or failed in it.
    #[error("the disk failed when {operation}: {detail}")]
    Disk {
        /// What was being done.
        operation: Operation,
        /// What the operating system or RocksDB said.
        detail: String,
    },
    /// There is no space left.
    #[error(
        "the disk is full, seen when {operation}: {detail}; make space and start the process again"
    )]
    Full {
        /// What was being done.
        operation: Operation,
        /// What the operating system or RocksDB said.
        detail: String,
    },
    /// What is stored is not what was written, or data that was durable is missing.
    #[error(
        "the stored data is damaged, seen when {operation}: {detail}; move the directory away and start with an \
         empty one, so that the node is restored from its neighbours"
    )]
    Corruption {
        /// What was being done.
        operation: Operation,
        /// What is wrong, and where.
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
    /// The directory was not made by this program, or was meddled with. It was not written to.
    #[error(
        "{path} is no storage directory of Chainring: {detail}; give an empty or a new directory"
    )]
    UnknownLayout {
        /// The directory.
        path: PathBuf,
        /// What was expected and what was found.
        detail: String,
    },
    /// The directory was made by a newer release. It was not written to.
    #[error(
        "{path} is of storage format {found}, this release knows up to {supported}: run a newer release"
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this release reads.
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
    /// The error for what the operating system said.
    #[cfg(feature = "rocksdb")]
    pub(super) fn from_io(
        operation: Operation,
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

/// What was being done when the storage failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opening or creating the directory, recovery of what it holds included.
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

impl fmt::Display for Operation {
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
