//! The place of the cluster's state: one gateway at a time has it, and a save is whole or not at all.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway::state::{StateError, StateStore};
use ring::controller::ClusterState;

use super::storage::DiskFaults;
use crate::plan::fault::DiskError;
use crate::plan::host::Host;
use crate::seen::{Log, Seen, StateDid};

/// A state directory; it outlives the gateways that have it.
#[derive(Debug, Clone)]
pub(crate) struct StateDisk {
    content: Arc<Mutex<Content>>,
    faults: DiskFaults,
    log: Log,
}

#[derive(Debug, Default)]
struct Content {
    saved: Option<ClusterState>,
    is_taken: bool,
}

impl StateDisk {
    pub(crate) fn new(faults: DiskFaults, log: Log) -> Self {
        Self { content: Arc::default(), faults, log }
    }

    /// Takes it for one gateway, until what is returned is dropped.
    pub(crate) fn open(&self, gateway: Host) -> Result<SimState, StateError> {
        let mut content = self.lock();
        if content.is_taken {
            self.log.tell(Seen::State { gateway, did: StateDid::Locked });
            return Err(StateError::Locked(PathBuf::from("the state directory")));
        }
        content.is_taken = true;
        Ok(SimState { disk: self.clone(), gateway })
    }

    /// Another one with the same content.
    pub(crate) fn copy(&self) -> Self {
        let content = Content { saved: self.lock().saved.clone(), is_taken: false };
        Self {
            content: Arc::new(Mutex::new(content)),
            faults: DiskFaults::default(),
            log: self.log.clone(),
        }
    }

    /// Whether a gateway has it.
    pub(crate) fn is_taken(&self) -> bool {
        self.lock().is_taken
    }

    /// What is in it is lost.
    pub(crate) fn wipe(&self) {
        self.lock().saved = None;
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A state directory that one gateway has.
pub(crate) struct SimState {
    disk: StateDisk,
    gateway: Host,
}

impl StateStore for SimState {
    fn load(&self) -> Result<Option<ClusterState>, StateError> {
        Ok(self.disk.lock().saved.clone())
    }

    fn save(&self, state: &ClusterState) -> Result<(), StateError> {
        let is_found = self.disk.faults.strikes(DiskError::WriteFound);
        let fails = is_found
            || self.disk.faults.strikes(DiskError::WriteLost)
            || self.disk.faults.strikes(DiskError::Sync);
        if !fails || is_found {
            self.disk.lock().saved = Some(state.clone());
            self.tell(StateDid::Saved(state.views.clone()));
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
        self.disk.lock().is_taken = false;
    }
}
