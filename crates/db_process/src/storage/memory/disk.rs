//! A disk in memory: it outlives the processes using it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::Fault;
use super::tables::{Tables, Undo};
use super::{MemoryReader, MemoryStorage};
use crate::storage::poison::Poison;
use crate::storage::{Batch, StorageError, StorageOperation};

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

/// The content of the disk, and the part that may still be lost.
#[derive(Debug, Default)]
struct State {
    /// Grows by one at every opening, power loss and wipe; a handle of another generation is
    /// dead.
    generation: u64,
    /// The content readable by a process: synced and unsynced batches.
    tables: Tables,
    /// The number of batches ever applied.
    applied: u64,
    /// How to undo each unsynced batch, in the order of writing.
    unsynced: Vec<Undo>,
    /// A batch in the kernel although its write failed. This process does not see it, but the
    /// next one does.
    found_later: Option<Batch>,
    /// The armed faults.
    faults: BTreeSet<Fault>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the disk as a starting process does: it finds the unsynced batches of the last
    /// process, and they remain unsynced.
    ///
    /// Every earlier handle is dead from now on.
    pub fn open(&self) -> MemoryStorage {
        let mut state = self.lock();
        state.generation += 1;
        state.find();
        MemoryStorage {
            tables: self.open_read_only(),
            generation: state.generation,
            poison: Poison::default(),
        }
    }

    /// Opens the disk for reading only. Handles stay alive, and no fault strikes.
    pub fn open_read_only(&self) -> MemoryReader {
        MemoryReader { disk: self.clone() }
    }

    /// The power fails: every unsynced batch is lost.
    pub fn power_loss(&self) {
        self.power_loss_keeping(0);
    }

    /// The power fails after the first `batches` unsynced batches have reached the disk. If
    /// there are fewer, all are kept.
    pub fn power_loss_keeping(&self, batches: usize) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.generation += 1;
        state.find();
        while state.unsynced.len() > batches {
            if let Some(undo) = state.unsynced.pop() {
                state.tables.undo(undo);
            }
        }
        // The surviving batches have reached the disk.
        state.unsynced.clear();
    }

    /// Replaces the disk by an empty one. Armed faults stay armed.
    pub fn wipe(&self) {
        let mut state = self.lock();
        state.generation += 1;
        state.tables = Tables::default();
        state.unsynced.clear();
        state.found_later = None;
    }

    /// The number of batches that a power loss would take.
    pub fn unsynced_batches(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Arms a fault.
    pub fn arm(&self, fault: Fault) {
        self.lock().faults.insert(fault);
    }

    /// Disarms every armed fault, [`Fault::Full`] included.
    pub fn disarm(&self) {
        self.lock().faults.clear();
    }

    pub(super) fn begin_read(&self, generation: u64) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.refuse_the_dead(generation, StorageOperation::Read)?;
        state.strike(Fault::Read, StorageOperation::Read)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> T {
        read(&self.lock().tables)
    }

    pub(super) fn write(&self, generation: u64, batch: Batch) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.refuse_the_dead(generation, StorageOperation::Write)?;
        if state.faults.contains(&Fault::Full) {
            let detail = "the simulated disk has no space".to_owned();
            return Err(StorageError::Full { operation: StorageOperation::Write, detail });
        }
        state.strike(Fault::WriteLost, StorageOperation::Write)?;
        if let Err(error) = state.strike(Fault::WriteFound, StorageOperation::Write) {
            state.found_later = Some(batch);
            return Err(error);
        }
        state.apply(batch);
        Ok(())
    }

    /// The number of batches so far, for [`sync_to`](Self::sync_to).
    pub(super) fn applied(&self) -> u64 {
        self.lock().applied
    }

    /// Makes this many batches durable, counted from the very first one.
    pub(super) fn sync_to(&self, generation: u64, batches: u64) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.refuse_the_dead(generation, StorageOperation::Sync)?;
        state.strike(Fault::Sync, StorageOperation::Sync)?;
        let later = usize::try_from(state.applied - batches).unwrap_or(usize::MAX);
        let covered = state.unsynced.len().saturating_sub(later);
        state.unsynced.drain(..covered);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code here panics half way; after a panic elsewhere, a test may still look at the
        // disk.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, batch: Batch) {
        let undo = self.tables.apply(batch);
        self.applied += 1;
        self.unsynced.push(undo);
    }

    /// The process is gone. Its failed but surviving write becomes visible.
    fn find(&mut self) {
        if let Some(batch) = self.found_later.take() {
            self.apply(batch);
        }
    }

    /// Fails for a handle from before the last opening, power loss or wipe.
    fn refuse_the_dead(
        &self,
        generation: u64,
        operation: StorageOperation,
    ) -> Result<(), StorageError> {
        if generation == self.generation {
            return Ok(());
        }
        let detail = "the process that held this handle is dead".to_owned();
        Err(StorageError::Disk { operation, detail })
    }

    /// Fails if the fault is armed, and disarms it.
    fn strike(&mut self, fault: Fault, operation: StorageOperation) -> Result<(), StorageError> {
        if !self.faults.remove(&fault) {
            return Ok(());
        }
        let detail = format!("a simulated fault ({fault:?})");
        Err(StorageError::Disk { operation, detail })
    }
}
