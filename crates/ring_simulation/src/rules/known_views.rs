//! The views seen in a run.

use std::collections::BTreeMap;

use protocol::id::{Epoch, Incarnation, PartitionId};
use protocol::view::View;
use ring_core::placement::Place;

use crate::gateway::GatewayDisk;
use crate::machines::Machines;

/// The views seen in the whole run.
#[derive(Debug, Default)]
pub(crate) struct KnownViews {
    /// The view of each partition and epoch.
    views: BTreeMap<(PartitionId, Epoch), View>,
    /// The epoch acted on by each copy.
    acting: BTreeMap<(Place, PartitionId), Epoch>,
    /// The homes dropped for damage. Each may have entries unknown to all others. A snapshot
    /// replaces its data.
    dropped: BTreeMap<PartitionId, Incarnation>,
    /// The newest view *home only* of each partition, and the next copy dropped for it.
    dropped_next: BTreeMap<PartitionId, DroppedNext>,
}

/// A next copy that was in sync until a view named home alone.
#[derive(Debug, Clone, Copy)]
struct DroppedNext {
    /// The epoch of that view.
    epoch: Epoch,
    /// The data of that copy.
    next: Incarnation,
}

impl KnownViews {
    /// Rule 1: there is one view for each partition and epoch, at every node and at the gateway.
    pub(super) fn see(&mut self, view: &View) {
        let known = self.views.entry((view.partition, view.epoch)).or_insert(*view);
        assert_eq!(known, view, "rule 1: two views of one epoch");
    }

    /// Rule 1: the view that a copy acts on is never replaced by an older one.
    pub(super) fn see_acting(&mut self, place: Place, view: &View) {
        self.see(view);
        let before = self.acting.insert((place, view.partition), view.epoch);
        assert!(before.is_none_or(|before| before <= view.epoch), "an epoch went back");
    }

    /// A published view without a stored copy at any node is gone with the controller's file.
    pub(crate) fn forget_lost(&mut self, machines: &Machines, gateway: &GatewayDisk) {
        let copies = machines.contents().flat_map(|content| [&content.home, &content.next]);
        let stored = copies.filter_map(|copy| copy.view).collect::<Vec<_>>();
        self.views.retain(|(partition, _), view| {
            stored.contains(view) || gateway.view(*partition).is_some()
        });
    }

    /// The view drops a home that may have entries unknown to all others.
    pub(super) fn drop_home(&mut self, partition: PartitionId, home: Incarnation) {
        self.dropped.insert(partition, home);
    }

    /// This view drops next.
    pub(super) fn drop_next(&mut self, view: &View, next: Incarnation) {
        self.dropped_next.insert(view.partition, DroppedNext { epoch: view.epoch, next });
    }

    /// The data of next that was dropped by this view.
    pub(crate) fn dropped_next(&self, view: &View) -> Option<Incarnation> {
        let dropped = self.dropped_next.get(&view.partition);
        dropped.filter(|dropped| dropped.epoch == view.epoch).map(|dropped| dropped.next)
    }

    /// A snapshot has replaced the data of the dropped home.
    pub(super) fn home_is_restored(&mut self, partition: PartitionId) {
        self.dropped.remove(&partition);
    }

    /// Whether this data was dropped, and may have entries unknown to all others.
    pub(super) fn is_dropped(&self, partition: PartitionId, incarnation: Incarnation) -> bool {
        self.dropped.get(&partition) == Some(&incarnation)
    }
}
