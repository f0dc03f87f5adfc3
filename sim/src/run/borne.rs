//! The limits of the design: a loss of data begins only where the design promises to bear it.
//!
//! A disk may be lost while the view is *both*, or if the lost copy is not in the view,
//! provided that the gateway lives to notice. The controller's file may be lost while both
//! copies of each partition still know a view that counts (rule 10). A stored row may be
//! damaged where a disk may be lost, if the other copy cannot fall out of the view before the
//! damage is noticed: either both copies are level, or nothing was the matter for a while.

use protocol::id::{Incarnation, PartitionId};
use protocol::view::{InSync, Member, View};
use ring_core::placement::Place;

use super::Run;
use crate::model::named;
use crate::plan::corruption::Corruption;
use crate::plan::fault::Fault;
use crate::plan::host::Host;

/// A copy with longer syncs than this may fall out of the view although nothing is the matter.
const SYNC_MAX_MS: u64 = 250;

impl Run<'_> {
    /// Whether the design bears a fault, as things stand: nothing may be lost by it.
    pub(super) fn is_borne(&self, fault: &Fault) -> bool {
        if self.would_leave_damage_alone(fault) {
            return false;
        }
        match fault {
            Fault::Corrupt(Corruption { host: Host::Node(place), rot, .. }) => {
                let here = self.model.ring.places().nth(*place);
                let partition = here.map(|here| self.model.ring.partition_at(here, rot.member));
                partition.is_some_and(|partition| {
                    let other = self.model.ring.holder(partition, rot.member.other()).index();
                    let is_steady = self.is_level_or_out_of_sync(partition, rot.member)
                        || self.world.calm_since().is_some_and(|since| {
                            since + self.calm() <= self.world.now() && self.is_both(partition)
                        });
                    let is_fast = self.plan.swarm.sync_ms_of(other).max <= SYNC_MAX_MS;
                    self.is_spare(*place, rot.member)
                        && is_fast
                        && is_steady
                        && self.world.is_calm_around(Host::Node(other))
                })
            }
            Fault::LostData(Host::Node(place))
            | Fault::LostAlone { host: Host::Node(place), .. } => {
                !self.world.is_in_trouble(Host::Gateway)
                    && Member::ALL.into_iter().all(|member| self.is_spare(*place, member))
            }
            // Only the gateway's memory knows that a home, alone in its view, was never heard
            // under it.
            fault if strikes_the_gateway(fault) && self.has_unsettled_loss() => false,
            Fault::LostState | Fault::Blackout { loses_state: true, .. } => {
                self.model.partitions().all(|partition| {
                    Member::ALL.into_iter().all(|member| self.is_accounted_for(partition, member))
                })
            }
            _ => true,
        }
    }

    /// Whether the other copy is not about to fall out of the view, if the view counts on this
    /// copy.
    fn is_level_or_out_of_sync(&self, partition: PartitionId, member: Member) -> bool {
        let view = self.model.saved.get(&partition);
        let is_member = view.is_some_and(|view| named(view.in_sync, member).is_some());
        !is_member || self.model.is_both_and_level(partition)
    }

    /// Whether a fault touches a node with the only sound copy of a partition, while the view
    /// still counts on the damaged one.
    fn would_leave_damage_alone(&self, fault: &Fault) -> bool {
        let touched = fault.hosts();
        self.model.partitions().any(|partition| {
            Member::ALL.into_iter().any(|member| {
                let other = self.model.ring.holder(partition, member.other()).index();
                let view = self.model.saved.get(&partition);
                let is_latent = view.is_some_and(|view| named(view.in_sync, member).is_some());
                touched.contains(&Host::Node(other))
                    && is_latent
                    && self.is_rotten(partition, member)
            })
        })
    }

    /// Whether a row of a copy is damaged, noticed or not.
    pub(super) fn is_rotten(&self, partition: PartitionId, member: Member) -> bool {
        self.world.is_rotten(self.model.ring.holder(partition, member).index(), member)
    }

    /// Whether a row of any copy is damaged.
    pub(super) fn is_anything_rotten(&self) -> bool {
        self.model.partitions().any(|partition| {
            Member::ALL.into_iter().any(|member| self.is_rotten(partition, member))
        })
    }

    /// Whether a view still counts on lost data.
    fn has_unsettled_loss(&self) -> bool {
        self.model.partitions().any(|partition| {
            let view = self.model.published.get(&partition);
            Member::ALL.into_iter().any(|member| {
                let named = view.and_then(|view| named(view.in_sync, member));
                named.is_some() && named != self.data_of(partition, member)
            })
        })
    }

    /// Whether a row of a home copy ahead of next may be damaged. Next alone is to count then.
    pub(super) fn is_worth_damaging(&self, place: usize) -> bool {
        let Some(partition) = self.model.ring.places().nth(place).map(Place::partition) else {
            return false;
        };
        self.is_both(partition) && self.is_spare(place, Member::Home)
    }

    /// Whether a home copy may be lost although it is to go on alone: it has not heard so, and
    /// next has everything that anyone was told.
    pub(super) fn is_spare_as_unheard(&self, place: usize) -> bool {
        let Some(partition) = self.model.ring.places().nth(place).map(Place::partition) else {
            return false;
        };
        let known = [&self.model.deciding, &self.model.published];
        let newest = known.into_iter().find_map(|views| views.get(&partition));
        let acting = self.model.copy(partition, Member::Home).acting;
        let Some((alone, both)) = newest.zip(acting) else { return false };
        let next = named(both.in_sync, Member::Next);
        matches!(alone.in_sync, InSync::HomeOnly { .. })
            && alone.epoch == both.epoch.next()
            && next.is_some()
            && next == self.data_of(partition, Member::Next)
            && !self.is_rotten(partition, Member::Next)
            && self.model.copy(partition, Member::Home).view.handed == Some(both)
    }

    /// Whether a copy may be lost, under the saved, the published and the decided view of its
    /// partition.
    pub(super) fn is_spare(&self, place: usize, member: Member) -> bool {
        let ring = &self.model.ring;
        let Some(here) = ring.places().nth(place) else { return false };
        let partition = ring.partition_at(here, member);
        // The other copy must be in sync, with the data and the sound rows to restore this one.
        let other = member.other();
        let is_spare = |view: &View| {
            let named = named(view.in_sync, other);
            named.is_some()
                && named == self.data_of(partition, other)
                && !self.is_rotten(partition, other)
        };
        let known = [&self.model.saved, &self.model.published, &self.model.deciding];
        self.model.saved.contains_key(&partition)
            && known.into_iter().filter_map(|views| views.get(&partition)).all(is_spare)
    }

    /// The data of the node with a copy; none if the data is lost.
    pub(super) fn data_of(&self, partition: PartitionId, member: Member) -> Option<Incarnation> {
        let place = self.model.ring.holder(partition, member).index();
        self.model.nodes[place].incarnation.filter(|_| !self.without_data.contains(&place))
    }

    /// Whether a copy's durable view counts when the view has to be rebuilt.
    fn is_accounted_for(&self, partition: PartitionId, member: Member) -> bool {
        let Some(data) = self.data_of(partition, member) else { return false };
        let view = self.model.copy(partition, member).view.durable;
        view.is_some_and(|view| named(view.in_sync, member).is_none_or(|named| named == data))
    }
}

fn strikes_the_gateway(fault: &Fault) -> bool {
    fault.hosts() == [Host::Gateway] || matches!(fault, Fault::Blackout { .. })
}
