//! What a node keeps: four tables of bytes, and the step between *written* and *durable*.
//!
//! ```text
//!   write(batch) ----> readable at once, survives a kill     --- sync() ---> survives a power loss
//!        |                                                        |
//!        `------------- a failure of either ends the handle: every later write and sync is refused
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `batch` | changes that are made all or not at all |
//! | `error` | what can go wrong, split by what the caller does next |
//! | `rocks` | the tables in RocksDB: what production runs on (feature `rocksdb`, on by default) |
//! | [`memory`] | the tables in memory, with kills, power losses and faults: what the simulation runs on |
//!
//! Both are held to one suite of behaviours (`conformance`, in this folder).
//!
//! **Invariants.** A batch is found whole or not at all. After a power loss the batches found are a prefix of
//! those written, and hold at least all that were synced. What a process finds when it opens its storage may
//! still be lost until it has called [`Storage::sync`] once (rule 11 of the design). A failed write or sync is
//! never tried again, because the kernel reports the loss of a page once and then forgets it.
//!
//! **Not here**: what the keys and values mean. No call is asynchronous, and each may block on the disk but for
//! [`StorageReader::at_hand`].

mod batch;
#[cfg(test)]
#[cfg(feature = "rocksdb")]
mod conformance;
mod error;
pub mod memory;
mod poison;
#[cfg(feature = "rocksdb")]
pub mod rocks;

use std::ops::Range;

use bytes::Bytes;

pub use batch::{Batch, Change};
pub use error::{Operation, StorageError};

/// One ordered map from bytes to bytes. Keys are compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Few small values about the node and its copies, written over and over.
    Meta,
    /// The user records: looked up by key, and walked in order.
    Records,
    /// The log entries: appended in order and trimmed from the front with [`Batch::delete_range`].
    ///
    /// Trim in strides of hundreds of entries rather than entry by entry, and start every scan at the first
    /// entry known to be alive: what was trimmed costs time to step over until RocksDB has compacted it away.
    Log,
    /// The ids of requests that were applied: looked up by key, most of the time in vain.
    Applied,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Meta, Self::Records, Self::Log, Self::Applied];

    /// The name under which the table is stored. Stored data depends on it: never change one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Log => "log",
            Self::Applied => "applied",
        }
    }
}

/// When a scan stops: at whichever bound it reaches first.
///
/// The row that reaches a bound is still part of the answer, and the first row always is; so an answer holds at
/// most `rows` rows (at least one), and may exceed `bytes` by less than one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimit {
    /// The number of rows after which the scan stops.
    pub rows: usize,
    /// The sum of the lengths of keys and values, in bytes, at which the scan stops.
    pub bytes: usize,
}

impl ScanLimit {
    /// No bound: for few rows, and for those who compare everything.
    pub const NONE: Self = Self { rows: usize::MAX, bytes: usize::MAX };

    /// The bytes that a row counts for.
    fn bytes_of(row: &(Bytes, Bytes)) -> usize {
        row.0.len() + row.1.len()
    }
}

/// The rows from `rows` up to where `limit` stops, or its first error.
fn take_limited<E>(
    rows: impl Iterator<Item = Result<(Bytes, Bytes), E>>,
    limit: ScanLimit,
) -> Result<Vec<(Bytes, Bytes)>, E> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let row = row?;
        bytes += ScanLimit::bytes_of(&row);
        taken.push(row);
        if taken.len() >= limit.rows || bytes >= limit.bytes {
            break;
        }
    }
    Ok(taken)
}

/// The memory for blocks read from table files, their indexes and filters included, unless told. MiB.
pub const BLOCK_CACHE_MIB: u32 = 32;

/// The memory for what was written last, until it is in table files, unless told. MiB.
pub const WRITE_BUFFERS_MIB: u32 = 48;

/// MiB as bytes.
pub(crate) const fn bytes_of_mib(mib: u32) -> usize {
    (mib as usize) << 20
}

/// What memory tells of a key.
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

/// Reading the tables: every write so far is seen, synced or not.
///
/// # Errors
///
/// Every method fails with [`StorageError::Disk`] or [`StorageError::Corruption`]. An error is not remembered: reads
/// may go on after it, and after a failed write or sync.
pub trait StorageReader: Send + Sync + 'static {
    /// The value of `key`, if the table has one.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The value of `key`, as far as it can be told without waiting for the disk.
    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError>;

    /// Keys with their values, ascending from the range's start (inclusive) to its end (exclusive), until `limit`.
    ///
    /// All rows are of one moment; rows of two calls may not be. A range whose end is not above its start is empty.
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

/// A storage around another one, which reads as that one does, but for what it says here.
pub trait ReadsThrough: Send + Sync + 'static {
    /// The one that is read.
    fn reader(&self) -> &dyn StorageReader;

    /// Comes before each read that may wait for the disk.
    ///
    /// # Errors
    ///
    /// What the read fails with, instead of being carried out.
    fn before_read(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// What is at hand.
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
/// A handle is *poisoned* by its first failed write or sync: it answers every later one with that error, and the
/// process has to end. What became of the failed batch is found out by opening the storage again.
pub trait Storage: StorageReader {
    /// Makes the changes of the batch in their order: all, or none.
    ///
    /// They can be read at once. They survive a kill of the process, but a power loss only after [`sync`](Self::sync).
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Disk`]; the process must end. The batch may be found at the next
    /// start, or not.
    fn write(&self, batch: Batch) -> Result<(), StorageError>;

    /// Everything written before the call, and everything found at the opening, survives a power loss once this
    /// has returned `Ok`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Disk`]; the process must end. What was not synced may survive or not.
    fn sync(&self) -> Result<(), StorageError>;
}
