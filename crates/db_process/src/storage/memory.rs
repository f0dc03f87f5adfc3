//! The tables in memory, as seen by a process through one opening of a [`MemoryDisk`].
//!
//! The model keeps the essentials of a disk. A kill keeps the unsynced batches. A power loss
//! takes all of them, or all from some batch on. Writes and syncs can be made to fail. The model
//! draws no randomness: the simulation chooses every event and its time.

mod disk;
mod fault;
mod tables;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::poison::Poison;
use super::sync::{BeginsSync, EndSync};
use super::{AtHand, Batch, ReadsThrough, ScanLimit, Storage, StorageError, StorageReader, Table};

pub use disk::MemoryDisk;
pub use fault::Fault;

/// One opening of a [`MemoryDisk`].
///
/// Dropping it is a kill of its process. It is dead as soon as the disk loses power, is wiped,
/// or is opened again; its writes then never reach the disk. So a task forgotten by a simulated
/// crash cannot do harm.
#[derive(Debug)]
pub struct MemoryStorage {
    tables: MemoryReader,
    /// The number of this opening; only the disk's newest one is alive.
    generation: u64,
    poison: Poison,
}

impl ReadsThrough for MemoryStorage {
    fn reader(&self) -> &dyn StorageReader {
        &self.tables
    }

    fn before_read(&self) -> Result<(), StorageError> {
        self.tables.disk.begin_read(self.generation)
    }

    fn seen_at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        self.before_read()?;
        self.tables.at_hand(table, key)
    }
}

impl Storage for MemoryStorage {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.poison.guard(|| self.tables.disk.write(self.generation, batch))
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.sync_to(self.tables.disk.applied())
    }

    /// Data in memory is of one release only.
    fn name_format(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

impl BeginsSync for MemoryStorage {
    fn begin_sync(self: Arc<Self>) -> EndSync {
        let batches = self.tables.disk.applied();
        Box::new(move || self.sync_to(batches))
    }
}

impl MemoryStorage {
    fn sync_to(&self, batches: u64) -> Result<(), StorageError> {
        self.poison.guard(|| self.tables.disk.sync_to(self.generation, batches))
    }
}

/// The readable content of a [`MemoryDisk`], for audits. It can exist beside the process's own
/// handle.
#[derive(Debug)]
pub struct MemoryReader {
    disk: MemoryDisk,
}

impl StorageReader for MemoryReader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        Ok(self.disk.read(|tables| tables.get(table, key)))
    }

    fn at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        self.get(table, key).map(AtHand::from)
    }

    fn scan(
        &self,
        table: Table,
        range: Range<&[u8]>,
        limit: ScanLimit,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        Ok(self.disk.read(|tables| tables.scan(table, range, limit)))
    }

    fn last(
        &self,
        table: Table,
        range: Range<&[u8]>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        Ok(self.disk.read(|tables| tables.last(table, range)))
    }
}

#[cfg(test)]
mod tests;
