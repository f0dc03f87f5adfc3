//! The storage that a simulated process is handed: it tells what it does, and fails when it is told to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use db_process::storage::{Batch, Operation, ReadsThrough, Storage, StorageError, StorageReader};

use crate::plan::fault::DiskError;
use crate::seen::{Log, Seen, StorageDid};

/// What is to go wrong with a disk; shared with the world.
#[derive(Debug, Clone, Default)]
pub(crate) struct DiskFaults(Arc<Mutex<Armed>>);

#[derive(Debug, Default)]
struct Armed {
    errors: BTreeSet<DiskError>,
    is_full: bool,
}

impl DiskFaults {
    /// The next such operation fails.
    pub(crate) fn arm(&self, error: DiskError) {
        self.lock().errors.insert(error);
    }

    /// What has not failed does not.
    pub(crate) fn disarm(&self) {
        self.lock().errors.clear();
    }

    pub(crate) fn set_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// Whether an operation is to fail, now and once.
    pub(crate) fn strikes(&self, error: DiskError) -> bool {
        self.lock().errors.remove(&error)
    }

    fn is_full(&self) -> bool {
        self.lock().is_full
    }

    fn lock(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The storage of a simulated process.
pub(crate) struct SimStorage {
    node: usize,
    inner: Arc<dyn Storage>,
    faults: DiskFaults,
    /// The first failure: as of every storage, nothing succeeds after it.
    failed: OnceLock<StorageError>,
    log: Log,
}

impl SimStorage {
    pub(crate) fn new(node: usize, inner: Arc<dyn Storage>, faults: DiskFaults, log: Log) -> Self {
        let storage = Self { node, inner, faults, failed: OnceLock::new(), log };
        storage.tell(StorageDid::Opened);
        storage
    }

    fn tell(&self, did: StorageDid) {
        self.log.tell(Seen::Storage { node: self.node, did });
    }

    fn fail<T>(&self, error: StorageError) -> Result<T, StorageError> {
        self.tell(StorageDid::Failed(error.to_string()));
        Err(self.failed.get_or_init(|| error).clone())
    }

    fn refuse_after_failure(&self) -> Result<(), StorageError> {
        self.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}

fn failed(operation: Operation) -> StorageError {
    StorageError::Disk { operation, detail: "a simulated fault".to_owned() }
}

impl Storage for SimStorage {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.refuse_after_failure()?;
        let operation = Operation::Write;
        if self.faults.is_full() {
            return self
                .fail(StorageError::Full { operation, detail: "a simulated fault".to_owned() });
        }
        if self.faults.strikes(DiskError::WriteLost) {
            return self.fail(failed(operation));
        }
        let is_found_later = self.faults.strikes(DiskError::WriteFound);
        self.inner.write(batch)?;
        if is_found_later {
            return self.fail(failed(operation));
        }
        self.tell(StorageDid::Written);
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.refuse_after_failure()?;
        if self.faults.strikes(DiskError::Sync) {
            return self.fail(failed(Operation::Sync));
        }
        self.inner.sync()?;
        self.tell(StorageDid::Synced);
        Ok(())
    }
}

impl ReadsThrough for SimStorage {
    fn reader(&self) -> &dyn StorageReader {
        &*self.inner
    }
}
