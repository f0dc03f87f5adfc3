//! The limits of the design: a loss of data begins only where the design promises to bear it.
//!
//! A disk may be lost while the view is *both*, or if the lost copy is not in the view,
//! provided that the gateway lives to notice. The controller's file may be lost while both
//! copies of each partition still know a view that counts (rule 10). A stored row may be
//! damaged where a disk may be lost, if the other copy cannot fall out of the view before the
//! damage is noticed: either both copies are level, or nothing was the matter for a while.

use protocol::id::Incarnation;
use protocol::view::{InSync, Member, View};

use super::lost::LostNodes;
use crate::model::{CopyId, Model, named};
use crate::plan::corruption::Corruption;
use crate::plan::fault::Fault;
use crate::plan::host::Host;
use crate::plan::swarm::Swarm;
use crate::world::World;

/// A copy with longer syncs than this may fall out of the view although nothing is the matter.
const SYNC_MAX_MS: u64 = 250;

/// The limits of the design, as things stand. It changes nothing.
pub(super) struct Limits<'a> {
    pub(super) swarm: &'a Swarm,
    pub(super) model: &'a Model,
    pub(super) world: &'a World,
    pub(super) lost: &'a LostNodes,
}

impl Limits<'_> {
    /// Whether the design bears a fault: nothing may be lost by it.
    pub(super) fn is_borne(&self, fault: &Fault) -> bool {
        if self.would_leave_damage_alone(fault) {
            return false;
        }
        match fault {
            Fault::Corrupt(Corruption { host: Host::Node(place), rot, .. }) => {
                let copy = self.model.copy_at(*place, rot.member);
                copy.is_some_and(|copy| self.may_be_damaged(copy))
            }
            Fault::LostData(Host::Node(place))
            | Fault::LostAlone { host: Host::Node(place), .. } => {
                !self.world.is_in_trouble(Host::Gateway)
                    && Member::ALL.into_iter().all(|member| {
                        let copy = self.model.copy_at(*place, member);
                        copy.is_some_and(|copy| self.is_spare(copy))
                    })
            }
            // Only the gateway's memory knows that a home, alone in its view, was never heard
            // under it.
            fault if strikes_the_gateway(fault) && self.has_unsettled_loss() => false,
            Fault::LostState | Fault::Blackout { loses_state: true, .. } => {
                self.model.copies().all(|copy| self.is_accounted_for(copy))
            }
            _ => true,
        }
    }

    /// Whether a row of a copy may be damaged.
    fn may_be_damaged(&self, copy: CopyId) -> bool {
        let other = self.model.place_of(copy.other());
        let is_steady = self.is_level_or_out_of_sync(copy)
            || self.world.calm_since().is_some_and(|since| {
                since + self.swarm.calm() <= self.world.now() && self.model.is_both(copy.partition)
            });
        let is_fast = self.swarm.sync_ms_of(other).max <= SYNC_MAX_MS;
        self.is_spare(copy) && is_fast && is_steady && self.world.is_calm_around(Host::Node(other))
    }

    /// Whether the other copy is not about to fall out of the view, if the view counts on this
    /// copy.
    fn is_level_or_out_of_sync(&self, copy: CopyId) -> bool {
        !self.is_saved_member(copy) || self.model.is_both_and_level(copy.partition)
    }

    /// Whether the saved view counts on a copy.
    fn is_saved_member(&self, copy: CopyId) -> bool {
        let view = self.model.saved.get(&copy.partition);
        view.is_some_and(|view| named(view.in_sync, copy.member).is_some())
    }

    /// Whether a fault touches a node with the only sound copy of a partition, while the view
    /// still counts on the damaged one.
    fn would_leave_damage_alone(&self, fault: &Fault) -> bool {
        let touched = fault.hosts();
        self.model.copies().any(|copy| {
            touched.contains(&Host::Node(self.model.place_of(copy.other())))
                && self.is_saved_member(copy)
                && self.is_rotten(copy)
        })
    }

    /// Whether a row of a copy is damaged, noticed or not.
    pub(super) fn is_rotten(&self, copy: CopyId) -> bool {
        self.world.is_rotten(self.model.place_of(copy), copy.member)
    }

    /// Whether a row of any copy is damaged.
    pub(super) fn is_anything_rotten(&self) -> bool {
        self.model.copies().any(|copy| self.is_rotten(copy))
    }

    /// Whether a view still counts on lost data.
    fn has_unsettled_loss(&self) -> bool {
        self.model.copies().any(|copy| {
            let view = self.model.published.get(&copy.partition);
            let named = view.and_then(|view| named(view.in_sync, copy.member));
            named.is_some() && named != self.data_of(copy)
        })
    }

    /// Whether a row of a home copy ahead of next may be damaged. Next alone is to count then.
    pub(super) fn is_worth_damaging(&self, place: usize) -> bool {
        let home = self.model.copy_at(place, Member::Home);
        home.is_some_and(|home| self.model.is_both(home.partition) && self.is_spare(home))
    }

    /// Whether a home copy may be lost although it is to go on alone: it has not heard so, and
    /// next has everything that anyone was told.
    pub(super) fn is_spare_as_unheard(&self, place: usize) -> bool {
        let Some(home) = self.model.copy_at(place, Member::Home) else { return false };
        let partition = home.partition;
        let known = [&self.model.deciding, &self.model.published];
        let newest = known.into_iter().find_map(|views| views.get(&partition));
        let of_home = self.model.copy(partition, Member::Home);
        let Some((alone, both)) = newest.zip(of_home.acting) else { return false };
        let next = named(both.in_sync, Member::Next);
        matches!(alone.in_sync, InSync::HomeOnly { .. })
            && alone.epoch == both.epoch.next()
            && next.is_some()
            && next == self.data_of(home.other())
            && !self.is_rotten(home.other())
            && of_home.view.handed == Some(both)
    }

    /// Whether a copy may be lost, under the saved, the published and the decided view of its
    /// partition.
    pub(super) fn is_spare(&self, copy: CopyId) -> bool {
        // The other copy must be in sync, with the data and the sound rows to restore this one.
        let (partition, other) = (copy.partition, copy.other());
        let is_spare = |view: &View| {
            let named = named(view.in_sync, other.member);
            named.is_some() && named == self.data_of(other) && !self.is_rotten(other)
        };
        let known = [&self.model.saved, &self.model.published, &self.model.deciding];
        self.model.saved.contains_key(&partition)
            && known.into_iter().filter_map(|views| views.get(&partition)).all(is_spare)
    }

    /// The data of the node with a copy; none if the data is lost.
    pub(super) fn data_of(&self, copy: CopyId) -> Option<Incarnation> {
        let place = self.model.place_of(copy);
        self.model.nodes[place].incarnation.filter(|_| !self.lost.contains(place))
    }

    /// Whether a copy's durable view counts when the view has to be rebuilt.
    fn is_accounted_for(&self, copy: CopyId) -> bool {
        let Some(data) = self.data_of(copy) else { return false };
        let view = self.model.copy(copy.partition, copy.member).view.durable;
        view.is_some_and(|view| named(view.in_sync, copy.member).is_none_or(|named| named == data))
    }
}

fn strikes_the_gateway(fault: &Fault) -> bool {
    fault.hosts() == [Host::Gateway] || matches!(fault, Fault::Blackout { .. })
}
