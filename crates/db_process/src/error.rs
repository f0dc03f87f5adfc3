//! Why a node ended.

use std::io;

use ring_core::node::StopReason;

use crate::storage::StorageError;
use crate::store::StoreError;

/// Why a node ended without being told to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The stored rows cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The storage failed. A failed write or sync is never tried again.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The protocol forbids the node to continue.
    #[error(transparent)]
    Stopped(#[from] StopReason),
    /// The operating system gives no thread, or the listener failed.
    #[error("the operating system refuses: {0}")]
    System(#[from] io::Error),
    /// A read of the storage panicked: a bug.
    #[error("a read of the storage ended unexpectedly; see the log for a panic")]
    ReadPanicked,
    /// An assertion failed in the core or in the driver: a bug.
    #[error("the driver ended unexpectedly; see the log for a panic")]
    DriverLost,
}
