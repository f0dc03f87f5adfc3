//! A storage that records its writes and syncs. They can then be repeated without the rest of
//! the node.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use db_process::storage::{Batch, ReadsThrough, Storage, StorageError, StorageReader, Table};

/// One call of a storage.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(Batch),
    Sync,
}

/// A storage, and its steps since the last [`take`](Recording::take).
pub(crate) struct Recording<S> {
    pub(crate) storage: S,
    steps: Mutex<Vec<Step>>,
}

impl<S> Recording<S> {
    pub(crate) fn of(storage: S) -> Arc<Self> {
        Arc::new(Self { storage, steps: Mutex::default() })
    }

    /// The steps since the last call.
    pub(crate) fn take(&self) -> Vec<Step> {
        std::mem::take(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, step: Step) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }
}

impl<S: StorageReader> ReadsThrough for Recording<S> {
    fn reader(&self) -> &dyn StorageReader {
        &self.storage
    }
}

impl<S: Storage> Storage for Recording<S> {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.remember(Step::Write(batch.clone()));
        self.storage.write(batch)
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.storage.name_format()
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.remember(Step::Sync);
        self.storage.sync()
    }
}

/// Repeats the steps on another storage.
pub(crate) fn replay(storage: &impl Storage, steps: &[Step]) -> Result<(), StorageError> {
    for step in steps {
        match step {
            Step::Write(batch) => storage.write(batch.clone())?,
            Step::Sync => storage.sync()?,
        }
    }
    Ok(())
}

/// The keys of the records put by the steps, to read the same records.
pub(crate) fn records_of(steps: &[Step]) -> Vec<Bytes> {
    let batches = steps.iter().filter_map(|step| match step {
        Step::Write(batch) => Some(batch),
        Step::Sync => None,
    });
    let changes = batches.flat_map(Batch::changes);
    let key = |change: &db_process::storage::Change| match change {
        db_process::storage::Change::Put { table: Table::Records, key, .. } => Some(key.clone()),
        _ => None,
    };
    changes.filter_map(key).collect()
}
