//! The cluster's state: as it is published, and as it is decided and being saved.

use protocol::message::DiskState;

use crate::gateway::cluster_state::ClusterState;
use crate::store::SILENT_AFTER;
use crate::time::Time;

/// The published state, and the one that is being made durable.
#[derive(Debug)]
pub(super) struct States {
    /// Durable, and what every peer may know.
    published: Option<ClusterState>,
    /// Decided; being made durable.
    saving: Option<ClusterState>,
    /// When the last save began.
    saving_since: Time,
}

impl States {
    /// The state that was found, which is durable.
    pub(super) fn recovered(saved: Option<ClusterState>, now: Time) -> Self {
        Self { published: saved, saving: None, saving_since: now }
    }

    /// The state that every peer may know.
    pub(super) fn published(&self) -> Option<&ClusterState> {
        self.published.as_ref()
    }

    /// Whether a state is being saved.
    pub(super) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// What is decided counts already: a formation that is being saved is a formation.
    pub(super) fn decided(&self) -> Option<&ClusterState> {
        self.saving.as_ref().or(self.published.as_ref())
    }

    /// A state is decided, and being made durable from now on.
    pub(super) fn save(&mut self, now: Time, decided: ClusterState) {
        self.saving = Some(decided);
        self.saving_since = now;
    }

    /// The state that was being saved is durable, and takes the place of the published one, which
    /// is returned.
    pub(super) fn saved(&mut self) -> Option<ClusterState> {
        let state = self.saving.take().unwrap_or_else(|| unreachable!("nothing was being saved"));
        self.published.replace(state)
    }

    /// Whether the disk of the state answers: a save has not been under way for long.
    pub(super) fn disk(&self, now: Time) -> DiskState {
        let is_silent = self.is_saving() && self.saving_since + SILENT_AFTER <= now;
        if is_silent { DiskState::Silent } else { DiskState::Answers }
    }
}
