//! The moments that aimed faults wait for, as the model knows them.

use protocol::view::Member;
use ring_core::placement::Place;

use crate::model::{Model, named, sole};

/// Looks for the moments. It changes nothing.
pub(super) struct Moments<'a> {
    pub(super) model: &'a Model,
}

impl Moments<'_> {
    /// Whether a granted ask leaves a donor ahead: the joiner has stored the new view, the
    /// donor has not, and the donor has durable entries that the joiner lacks. A power loss now
    /// would leave it so.
    pub(super) fn is_a_donor_ahead(&self) -> bool {
        self.model.saved.iter().any(|(partition, saved)| {
            let is_it = |donor: Member| {
                let (joiner, donor) = (
                    self.model.copy(*partition, donor.other()),
                    self.model.copy(*partition, donor),
                );
                joiner.view.durable == Some(*saved)
                    && donor.view.durable != Some(*saved)
                    && donor.entry.durable > joiner.entry.durable
            };
            sole(saved.in_sync).is_none() && Member::ALL.into_iter().any(is_it)
        })
    }

    /// Whether a node's home copy has an entry that it is about to make durable and to send to
    /// next.
    pub(super) fn is_home_syncing(&self, place: usize) -> bool {
        let home = self.model.nodes.get(place).map(|node| node.home.entry);
        home.is_some_and(|entry| entry.handed.seq > entry.durable.seq)
    }

    /// Whether the gateway has heard of a later entry at a node's home copy than the next copy
    /// has.
    pub(super) fn is_ahead_of_next(&self, place: usize) -> bool {
        self.model.ring.places().nth(place).is_some_and(|place| {
            let next = self.model.copy(place.partition(), Member::Next);
            self.model
                .heard
                .get(&(place, Member::Home))
                .is_some_and(|seq| *seq > next.entry.handed.seq)
        })
    }

    /// Whether a copy of a node is in sync with fewer entries than the gateway has heard it to
    /// have.
    pub(super) fn is_restored_to_less(&self, place: usize) -> bool {
        let Some(place) = self.model.ring.places().nth(place) else { return false };
        Member::ALL.into_iter().any(|member| {
            let partition = self.model.ring.partition_at(place, member);
            let is_both = self.model.published.get(&partition).is_some_and(|view| {
                sole(view.in_sync).is_none()
                    && named(view.in_sync, member) == self.model.nodes[place.index()].incarnation
            });
            let copy = self.model.copy(partition, member);
            let has = copy.entry.handed.seq;
            let is_whole = !copy.is_damaged && !copy.snapshot.handed.is_part;
            is_both
                && is_whole
                && self.model.heard.get(&(place, member)).is_some_and(|heard| *heard > has)
        })
    }

    /// The nodes of a donor and its joiner, where the ask is granted and the donor does not
    /// know it yet.
    pub(super) fn donor_untold(&self) -> Option<(Place, Place)> {
        self.model.saved.iter().find_map(|(partition, saved)| {
            let is_untold = |donor: &Member| {
                let copy = self.model.copy(*partition, *donor);
                copy.ask.is_some_and(|ask| ask.partition == *partition)
                    && copy.view.handed != Some(*saved)
            };
            let donor = Member::ALL.into_iter().find(is_untold)?;
            let holder = |member| self.model.ring.holder(*partition, member);
            sole(saved.in_sync).is_none().then(|| (holder(donor), holder(donor.other())))
        })
    }
}
