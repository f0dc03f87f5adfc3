//! The store of the cluster's state: one gateway at a time has it, and a save is complete or
//! has no effect. It is in memory; where nodes have real storage, it is a real state directory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use gateway::state::{StateDirectory, StateError, StateStore};
use ring_core::gateway::ClusterState;

use super::storage::DiskFaults;
use crate::plan::StorageKind;
use crate::plan::fault::DiskError;
use crate::plan::host::Host;
use crate::seen::{Log, Seen, StateDid};

/// A state directory. It outlives the gateways that use it.
#[derive(Clone)]
pub(crate) struct StateDisk {
    place: Medium,
    /// Whether a gateway has it.
    is_taken: Arc<AtomicBool>,
    faults: DiskFaults,
    log: Log,
}

/// The place of the state.
#[derive(Debug, Clone)]
enum Medium {
    Memory(Arc<Mutex<Option<ClusterState>>>),
    Directory(PathBuf),
}

impl StateDisk {
    pub(crate) fn new(kind: StorageKind, faults: DiskFaults, log: Log) -> Self {
        let place = match kind {
            StorageKind::Memory => Medium::Memory(Arc::default()),
            StorageKind::Rocksdb => Medium::Directory(PathBuf::from("state")),
        };
        Self { place, is_taken: Arc::default(), faults, log }
    }

    /// Takes the directory for one gateway, until the returned value is dropped.
    pub(crate) fn open(&self, gateway: Host) -> Result<SimState, StateError> {
        let opened = match &self.place {
            Medium::Directory(path) => StateDirectory::open(path).map(Some),
            Medium::Memory(_) if self.is_taken() => {
                Err(StateError::Locked(PathBuf::from("the state directory")))
            }
            Medium::Memory(_) => Ok(None),
        };
        let directory = opened.inspect_err(|error| {
            if matches!(error, StateError::Locked(_)) {
                self.log.tell(Seen::State { gateway, did: StateDid::Locked });
            }
        })?;
        self.is_taken.store(true, Ordering::Relaxed);
        Ok(SimState { disk: self.clone(), directory, gateway })
    }

    /// Another directory with the same content.
    pub(crate) fn copy(&self) -> Self {
        let place = match &self.place {
            Medium::Memory(saved) => Medium::Memory(Arc::new(Mutex::new(lock(saved).clone()))),
            Medium::Directory(path) => {
                let copy = PathBuf::from("state-copy");
                if let Err(error) = copy_files(path, &copy) {
                    panic!("{} cannot be copied: {error}", path.display());
                }
                Medium::Directory(copy)
            }
        };
        let faults = DiskFaults::default();
        Self { place, is_taken: Arc::default(), faults, log: self.log.clone() }
    }

    /// Whether a gateway has it.
    pub(crate) fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::Relaxed)
    }

    /// Loses the content.
    pub(crate) fn wipe(&self) {
        match &self.place {
            Medium::Memory(saved) => *lock(saved) = None,
            Medium::Directory(path) => {
                // The directory may not exist yet.
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}

fn lock(saved: &Mutex<Option<ClusterState>>) -> MutexGuard<'_, Option<ClusterState>> {
    saved.lock().unwrap_or_else(PoisonError::into_inner)
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A state directory taken by one gateway.
pub(crate) struct SimState {
    disk: StateDisk,
    /// The real directory, if the state is in files.
    directory: Option<StateDirectory>,
    gateway: Host,
}

impl StateStore for SimState {
    fn load(&self) -> Result<Option<ClusterState>, StateError> {
        match (&self.directory, &self.disk.place) {
            (Some(directory), _) => directory.load(),
            (None, Medium::Memory(saved)) => Ok(lock(saved).clone()),
            (None, Medium::Directory(_)) => unreachable!("it was opened"),
        }
    }

    fn save(&self, state: &ClusterState) -> Result<(), StateError> {
        let is_found = self.disk.faults.strikes(DiskError::WriteFound);
        let fails = is_found
            || self.disk.faults.strikes(DiskError::WriteLost)
            || self.disk.faults.strikes(DiskError::Sync);
        if !fails || is_found {
            match (&self.directory, &self.disk.place) {
                (Some(directory), _) => directory.save(state)?,
                (None, Medium::Memory(saved)) => *lock(saved) = Some(state.clone()),
                (None, Medium::Directory(_)) => unreachable!("it was opened"),
            }
            self.tell(StateDid::Saved(state.known_views().copied().collect()));
        }
        if !fails {
            return Ok(());
        }
        self.tell(StateDid::Failed);
        let path = PathBuf::from("the state file");
        Err(StateError::File { doing: "writing", path, error: "a simulated fault".to_owned() })
    }
}

impl SimState {
    fn tell(&self, did: StateDid) {
        self.disk.log.tell(Seen::State { gateway: self.gateway, did });
    }
}

impl Drop for SimState {
    fn drop(&mut self) {
        self.disk.is_taken.store(false, Ordering::Relaxed);
    }
}
