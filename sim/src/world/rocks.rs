//! RocksDB on a disk that dies. After each death the disk goes on with a copy of the directory,
//! in the state left by the death. After a loss of data it goes on with nothing.
//!
//! Directories are relative to the working directory of the `sim-seed` process. Each seed has a
//! working directory of its own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use db_process::storage::memory::MemoryDisk;
use db_process::storage::rocks::crash::CrashableRocks;
use db_process::storage::rocks::{RocksSettings, RocksStorage};
use db_process::storage::{BeginsSync, StorageError, StorageReader};

use super::share::share;
use crate::plan::step::Death;

/// RocksDB's memory in bytes: small like the data, because one process runs several nodes.
const MEMORY_BYTES: usize = 1 << 20;

/// A disk with a RocksDB directory.
pub(crate) struct RocksDisk {
    node: usize,
    /// The number in the directory's name. Every death of a running process adds one, and so
    /// does every loss of data.
    generation: u32,
    open: Option<Arc<CrashableRocks>>,
}

impl RocksDisk {
    pub(crate) fn new(node: usize) -> Self {
        Self { node, generation: 0, open: None }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("db-{}.{}", self.node, self.generation))
    }

    pub(crate) fn open(&mut self) -> Result<Arc<dyn BeginsSync>, StorageError> {
        let storage = Arc::new(CrashableRocks::open(&self.path(), &settings())?);
        self.open = Some(Arc::clone(&storage));
        Ok(storage)
    }

    pub(crate) fn dies(&mut self, death: Death) {
        let before = self.path();
        let Some(storage) = self.open.take() else {
            // The node is down already, but its directory can still be lost.
            self.generation += u32::from(death == Death::DataLost);
            return;
        };
        self.generation += 1;
        let copied = match death {
            Death::Killed | Death::Vanished => storage.copy_as_killed(&self.path()),
            Death::PowerLost { kept } => {
                storage.copy_as_powered_off(&self.path(), |unsynced| share(unsynced, kept))
            }
            Death::DataLost => Ok(()),
        };
        if let Err(error) = copied {
            panic!("{} cannot be copied: {error}", before.display());
        }
    }

    pub(crate) fn has_died(&mut self) {
        if let Some(before) = self.generation.checked_sub(1) {
            // The rest lies in a directory that is removed after the run.
            let _ = fs::remove_dir_all(format!("db-{}.{before}", self.node));
        }
    }

    pub(crate) fn read(&mut self) -> Result<Box<dyn StorageReader>, StorageError> {
        match RocksStorage::open_read_only(&self.path()) {
            // The data was lost, and the node has not started since.
            Err(StorageError::Absent { .. }) => Ok(Box::new(MemoryDisk::new().open_read_only())),
            opened => Ok(Box::new(opened?)),
        }
    }
}

fn settings() -> RocksSettings {
    RocksSettings {
        block_cache_bytes: MEMORY_BYTES,
        write_buffers_bytes_max: 2 * MEMORY_BYTES,
        background_jobs_max: 1,
        ..RocksSettings::default()
    }
}
