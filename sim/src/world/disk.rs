//! The disks of nodes. They outlive processes, and lose unsynced writes when the power fails.

use std::sync::{Arc, Mutex, PoisonError};

use db_process::storage::memory::MemoryDisk;
use db_process::storage::{BeginsSync, StorageError, StorageReader};

use super::share::share;
use crate::plan::StorageKind;
use crate::plan::step::Death;

/// A node's disk.
pub(crate) enum Disk {
    Memory(MemoryDisk),
    #[cfg(feature = "rocksdb")]
    Rocks(super::rocks::RocksDisk),
}

impl Disk {
    /// An empty disk for a node.
    pub(crate) fn new(kind: StorageKind, node: usize) -> Self {
        match kind {
            StorageKind::Memory => Self::Memory(MemoryDisk::new()),
            #[cfg(feature = "rocksdb")]
            StorageKind::Rocksdb => Self::Rocks(super::rocks::RocksDisk::new(node)),
            #[cfg(not(feature = "rocksdb"))]
            StorageKind::Rocksdb => {
                panic!("node {node}: this program was built without the feature rocksdb")
            }
        }
    }

    /// Opens the storage for a starting process.
    pub(crate) fn open(&mut self) -> Result<Arc<dyn BeginsSync>, StorageError> {
        match self {
            Self::Memory(disk) => Ok(Arc::new(disk.open())),
            #[cfg(feature = "rocksdb")]
            Self::Rocks(disk) => disk.open(),
        }
    }

    /// Prepares for the death of the process that has the disk open.
    pub(crate) fn dies(&mut self, death: Death) {
        match self {
            Self::Memory(disk) => match death {
                Death::Killed | Death::Vanished => {}
                Death::PowerLost { kept } => {
                    disk.power_loss_keeping(share(disk.unsynced_batches() as u64, kept) as usize);
                }
                Death::DataLost => disk.wipe(),
            },
            #[cfg(feature = "rocksdb")]
            Self::Rocks(disk) => disk.dies(death),
        }
    }

    /// Notes the death of the process that had the disk open.
    pub(crate) fn has_died(&mut self) {
        match self {
            Self::Memory(_) => {}
            #[cfg(feature = "rocksdb")]
            Self::Rocks(disk) => disk.has_died(),
        }
    }

    /// The content of the disk, for an audit. No process may have it open.
    pub(crate) fn read(&mut self) -> Result<Box<dyn StorageReader>, StorageError> {
        match self {
            Self::Memory(disk) => Ok(Box::new(disk.open_read_only())),
            #[cfg(feature = "rocksdb")]
            Self::Rocks(disk) => disk.read(),
        }
    }
}

/// A disk shared by a process and the world.
#[derive(Clone)]
pub(crate) struct SharedDisk(Arc<Mutex<Disk>>);

impl SharedDisk {
    pub(crate) fn new(disk: Disk) -> Self {
        Self(Arc::new(Mutex::new(disk)))
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
