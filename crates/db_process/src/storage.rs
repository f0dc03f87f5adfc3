//! The storage of a node: four tables of bytes, and the step between *written* and *durable*.
//!
//! ```text
//!   write(batch) ----> readable at once, survives a kill     --- sync() ---> survives a power loss
//!        |                                                        |
//!        `------------- a failure of either ends the handle: every later write and sync is refused
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `batch` | changes made all together or not at all |
//! | `error` | the failures, split by the caller's next step |
//! | `rocks` | the tables in RocksDB, for production (feature `rocksdb`, on by default) |
//! | [`memory`] | the tables in memory, with kills, power losses and faults, for the simulation |
//!
//! One suite of tests (`conformance`, in this folder) checks both.
//!
//! **Invariants.** A batch is found whole or not at all. After a power loss, the batches found
//! are a prefix of the batches written, and include every synced batch. The data found by an
//! opening process may still be lost until the process has called [`Storage::sync`] once (rule
//! 11 of the design). A failed write or sync is never tried again, because the kernel reports
//! the loss of a page once and then forgets it.
//!
//! **Not here**: the meaning of keys and values. No call is asynchronous. Every call may block
//! on the disk, except [`StorageReader::at_hand`].

mod batch;
#[cfg(test)]
#[cfg(feature = "rocksdb")]
mod conformance;
mod error;
pub mod memory;
mod poison;
#[cfg(feature = "rocksdb")]
pub mod rocks;
mod sync;

use std::ops::Range;

use bytes::Bytes;

pub use batch::{Batch, Change};
pub use error::{StorageError, StorageOperation};
pub use sync::{BeginsSync, EndSync};

/// One ordered map from bytes to bytes. Keys are compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// A few small values about the node and its copies, often overwritten.
    Meta,
    /// The user records: looked up by key, and scanned in order.
    Records,
    /// The log entries: appended in order and trimmed from the front with
    /// [`Batch::delete_range`].
    ///
    /// Trim hundreds of entries at a time rather than single ones, and start every scan at the
    /// first entry known to exist: stepping over trimmed entries costs time until RocksDB has
    /// compacted them away.
    Log,
    /// The ids of applied requests: looked up by key, and mostly absent.
    Applied,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Meta, Self::Records, Self::Log, Self::Applied];

    /// The name of the table on disk. Stored data depends on it: never change a name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Log => "log",
            Self::Applied => "applied",
        }
    }
}

/// The two bounds of a scan; it stops at the first bound reached.
///
/// The row that reaches a bound is still part of the answer, and so is the first row in any
/// case. An answer therefore holds at most `rows` rows (at least one), and may exceed `bytes` by
/// less than one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimit {
    /// The number of rows after which the scan stops.
    pub rows: usize,
    /// The sum of the lengths of keys and values, in bytes, at which the scan stops.
    pub bytes: usize,
}

impl ScanLimit {
    /// No bound: for small ranges, and for comparisons of everything.
    pub const NONE: Self = Self { rows: usize::MAX, bytes: usize::MAX };

    /// The length of a row's key and value, in bytes.
    fn bytes_of(key: &Bytes, value: &Bytes) -> usize {
        key.len() + value.len()
    }
}

/// The rows from `rows` up to the stop of `limit`, or the first error.
fn take_limited<E>(
    rows: impl Iterator<Item = Result<(Bytes, Bytes), E>>,
    limit: ScanLimit,
) -> Result<Vec<(Bytes, Bytes)>, E> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let row = row?;
        bytes += ScanLimit::bytes_of(&row.0, &row.1);
        taken.push(row);
        if taken.len() >= limit.rows || bytes >= limit.bytes {
            break;
        }
    }
    Ok(taken)
}

/// The default memory for blocks read from table files, with their indexes and filters. MiB.
pub const BLOCK_CACHE_MIB: u32 = 32;

/// The default memory for recent writes, until they are in table files. MiB.
pub const WRITE_BUFFERS_MIB: u32 = 48;

/// MiB as bytes.
pub(crate) const fn bytes_of_mib(mib: u32) -> usize {
    (mib as usize) << 20
}

/// The answer about a key from memory alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtHand {
    /// Its value.
    Value(Bytes),
    /// The table does not have the key.
    Absent,
    /// Only the disk can tell.
    Unknown,
}

impl From<Option<Bytes>> for AtHand {
    fn from(value: Option<Bytes>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

/// Reading the tables. A read sees every earlier write, synced or not.
///
/// # Errors
///
/// Every method fails with [`StorageError::Disk`] or [`StorageError::Corruption`]. A reader does
/// not remember an error: reads may go on after it, and also after a failed write or sync.
pub trait StorageReader: Send + Sync + 'static {
    /// The value of `key`, if the table has one.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The value of `key`, if it is known without waiting for the disk.
    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError>;

    /// Keys with their values, ascending from the range's start (inclusive) to its end
    /// (exclusive), until `limit`.
    ///
    /// All rows of one call are from one moment; rows of two calls may differ in it. A range is
    /// empty unless its end is above its start.
    fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError>;

    /// The greatest key of the range (its end is exclusive) with its value.
    fn last(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError>;
}

/// A storage around another one. Reads go to the inner storage, except for the methods below.
pub trait ReadsThrough: Send + Sync + 'static {
    /// The inner storage.
    fn reader(&self) -> &dyn StorageReader;

    /// Runs before each read that may wait for the disk.
    ///
    /// # Errors
    ///
    /// The read fails with this error, and is not carried out.
    fn before_read(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// The answer of [`StorageReader::at_hand`].
    ///
    /// # Errors
    ///
    /// As [`StorageReader::at_hand`].
    fn seen_at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        self.reader().at_hand(table, key)
    }
}

impl<S: ReadsThrough> StorageReader for S {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.before_read()?;
        self.reader().get(table, key)
    }

    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        self.seen_at_hand(table, key)
    }

    fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.before_read()?;
        self.reader().scan(table, range, limit)
    }

    fn last(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        self.before_read()?;
        self.reader().last(table, range)
    }
}

/// Reading and changing the tables.
///
/// The first failed write or sync *poisons* a handle: every later write and sync answers with
/// the same error, and the process must end. The next opening of the storage shows the fate of
/// the failed batch.
pub trait Storage: StorageReader {
    /// Names the newest format in the stored data, durably. From then on no older release opens
    /// it, so this comes before the first write in the newest format.
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Disk`]; the process must end.
    fn name_format(&self) -> Result<(), StorageError>;

    /// Makes the changes of the batch in order: all of them, or none.
    ///
    /// The changes are readable at once. They survive a kill of the process, but survive a power
    /// loss only after [`sync`](Self::sync).
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Disk`]; the process must end. The next start
    /// may find the batch, or not.
    fn write(&self, batch: Batch) -> Result<(), StorageError>;

    /// Makes every earlier write durable, and also everything found at the opening. Both survive
    /// a power loss once this has returned `Ok`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Disk`]; the process must end. Unsynced data may
    /// survive or not.
    fn sync(&self) -> Result<(), StorageError>;
}
