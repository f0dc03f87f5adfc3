//! The gateway's machine: its disk with the controller's file, and the gateway while it runs.

use protocol::id::{ClusterId, GatewayBoot, PartitionId};
use protocol::view::View;
use ring_core::gateway::{ClusterState, Gateway, GatewayEffect, GatewayEvent, GatewaySettings};
use ring_core::placement::Ring;
use ring_core::time::Time;
use uuid::Uuid;

/// The controller's file.
#[derive(Debug, Default)]
pub(crate) struct GatewayDisk {
    /// The state after a start.
    pub(crate) durable: Option<ClusterState>,
    /// The state decided and not durable.
    pub(crate) saving: Option<ClusterState>,
}

impl GatewayDisk {
    /// The durable view of a partition.
    pub(crate) fn view(&self, partition: PartitionId) -> Option<View> {
        self.durable.as_ref().and_then(|state| state.view(partition)).copied()
    }

    /// The view of a partition in the state decided last, durable or not.
    pub(crate) fn decided_view(&self, partition: PartitionId) -> Option<View> {
        self.saving.as_ref().or(self.durable.as_ref())?.view(partition).copied()
    }

    /// The states on the disk, durable or being saved.
    pub(crate) fn states(&self) -> impl Iterator<Item = &ClusterState> {
        [&self.durable, &self.saving].into_iter().flatten()
    }

    pub(crate) fn save(&mut self, state: ClusterState) {
        assert!(self.saving.is_none(), "two saves at once");
        self.saving = Some(state);
    }

    /// The save under way returns, if there is one. Returns whether there was.
    pub(crate) fn save_returns(&mut self) -> bool {
        let Some(state) = self.saving.take() else { return false };
        self.durable = Some(state);
        true
    }
}

/// Whether the save under way is durable when its process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaveAtDeath {
    /// The replacement of the file is durable.
    Durable,
    /// The old file is still there.
    Lost,
}

/// The gateway's machine.
#[derive(Default)]
pub(crate) struct GatewayMachine {
    /// Survives the process.
    pub(crate) disk: GatewayDisk,
    /// The process, while it runs.
    gateway: Option<Gateway>,
    /// How many times the process was started.
    boots: u64,
}

impl GatewayMachine {
    /// The gateway, while it runs.
    pub(crate) fn gateway(&self) -> Option<&Gateway> {
        self.gateway.as_ref()
    }

    /// The boot of the gateway, while it runs.
    pub(crate) fn boot(&self) -> Option<GatewayBoot> {
        self.gateway().map(|_| GatewayBoot(Uuid::from_u128(u128::from(self.boots))))
    }

    /// Starts the gateway.
    pub(crate) fn start(&mut self, ring: &Ring, now: Time) {
        self.boots += 1;
        let boot = GatewayBoot(Uuid::from_u128(u128::from(self.boots)));
        let cluster = ClusterId(Uuid::from_u128(1_000 + u128::from(self.boots)));
        let saved = self.disk.durable.clone();
        let settings = GatewaySettings::default();
        let gateway = Gateway::recovered(ring.clone(), boot, cluster, saved, &settings, now);
        self.gateway = Some(gateway.expect("its own state"));
    }

    /// Ends the process.
    pub(crate) fn kill(&mut self, save: SaveAtDeath) {
        self.gateway = None;
        if let Some(state) = self.disk.saving.take()
            && save == SaveAtDeath::Durable
        {
            self.disk.durable = Some(state);
        }
    }

    /// Hands an event to the gateway.
    pub(crate) fn handle(&mut self, now: Time, event: GatewayEvent) -> Vec<GatewayEffect> {
        let mut effects = Vec::new();
        if let Some(gateway) = &mut self.gateway {
            gateway.handle(now, event, &mut effects);
        }
        effects
    }

    /// Whether the gateway is due for a tick.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.gateway().and_then(|gateway| gateway.next_deadline(now)).is_some_and(|due| due <= now)
    }
}
