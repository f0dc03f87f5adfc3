//! What the nodes have told of the copies: which of them serve, which could, and what was lost.

use protocol::id::{Epoch, Incarnation, PartitionId};
use protocol::message::{Condition, DiskState};
use protocol::salvage::Salvage;
use protocol::view::{Member, View};

use super::nodes::{KnownNodes, NodeLink};
use super::unheard::Unheard;
use crate::gateway::cluster_state::ClusterState;
use crate::gateway::published::Service;
use crate::placement::Ring;

/// What the nodes have told of the copies, beside the published state. It decides nothing.
#[derive(Clone, Copy)]
pub(crate) struct Copies<'a> {
    pub(super) ring: &'a Ring,
    pub(super) published: Option<&'a ClusterState>,
    pub(super) nodes: &'a KnownNodes,
    pub(super) unheard: &'a Unheard,
}

impl<'a> Copies<'a> {
    /// Whether a partition can be served under a state.
    pub(crate) fn service(self, state: &ClusterState, partition: PartitionId) -> Service {
        let Some(view) = state.view(partition) else { return Service::Available };
        match state.lost_member(self.ring, view) {
            None => Service::Available,
            Some(lost) if !state.is_lost(self.ring, view) => Service::Without(lost),
            Some(lost) if self.reinstatable(view, state).is_some() => Service::Without(lost),
            Some(_) => Service::Lost,
        }
    }

    /// The next copy that was dropped when the view was made, where home never served alone and has
    /// lost its data: this copy has everything that anyone was told of.
    pub(super) fn reinstatable(self, view: &View, state: &ClusterState) -> Option<Incarnation> {
        let next = self.unheard.dropped_for(view)?;
        let is_lost = state.lost_member(self.ring, view) == Some(Member::Home);
        let place = self.ring.holder(view.partition, Member::Next);
        let has_data = state.incarnation_at(place) == Some(next);
        // Home may have begun to replace it, and have died before anyone heard of that.
        let is_less = self
            .nodes
            .reported(place)
            .is_some_and(|linked| linked.condition(Member::Next) != Condition::Whole);
        (is_lost && has_data && !is_less).then_some(next)
    }

    /// Whether a partition cannot go on, or not with all that it had, without an operator's word.
    pub(super) fn is_in_want(self, state: &ClusterState, partition: PartitionId) -> bool {
        let Some(view) = state.view(partition) else { return true };
        state.is_lost(self.ring, view) || self.none_is_whole(view)
    }

    /// Whether a copy in sync is there that is damaged, and none that is whole.
    fn none_is_whole(self, view: &View) -> bool {
        let known = |member: &Member| self.condition_in(view, *member);
        let conditions = Member::ALL.iter().filter_map(known).collect::<Vec<_>>();
        !conditions.is_empty() && !conditions.contains(&Condition::Whole)
    }

    /// What a member of a view is worth; none where its node has not reported, or the view does not
    /// name the data there.
    pub(crate) fn condition_in(self, view: &View, member: Member) -> Option<Condition> {
        let linked = self.nodes.reported(self.ring.holder(view.partition, member))?;
        let is_meant = view.in_sync.incarnation(member) == Some(linked.hello.incarnation);
        is_meant.then(|| linked.condition(member))
    }

    /// The salvage of the loss that was last accepted for a partition, as far as a copy has told of
    /// it.
    pub(crate) fn salvage(self, view: &View) -> Option<&'a Salvage> {
        let accepted = view.accepted_loss?;
        let mut told = Member::ALL.into_iter().filter_map(|member| {
            self.nodes.get(self.ring.holder(view.partition, member))?.salvages.get(&member)
        });
        told.find(|salvage| salvage.accepted == accepted)
    }

    /// The highest epoch of a partition that a linked node has reported.
    pub(super) fn newest_reported(self, partition: PartitionId) -> Option<Epoch> {
        let reports = Member::ALL.into_iter().filter_map(|member| {
            let linked = self.nodes.reported(self.ring.holder(partition, member))?;
            Some(linked.report.as_ref()?.copy(member).view?.epoch)
        });
        reports.max()
    }

    /// Whether a member is linked, whole, not ending, and has a disk that answers. One that is
    /// damaged will do where the other one was, too: it serves the rows that are whole.
    pub(super) fn could_survive(self, view: &View, member: Member) -> bool {
        let place = self.ring.holder(view.partition, member);
        let is_worth_it = match self.condition_in(view, member) {
            Some(Condition::Whole) => true,
            Some(Condition::Damaged) => self.was_not_whole(view, member.other()),
            Some(Condition::Partial | Condition::Unreadable) | None => false,
        };
        let answers = |linked: &NodeLink| linked.disk == DiskState::Answers;
        is_worth_it
            && self.nodes.linked(place).is_some_and(answers)
            && self.nodes.last_words(place).is_none()
    }

    /// Whether a member's data is gone, or was last said to be worth less than a whole copy.
    fn was_not_whole(self, view: &View, member: Member) -> bool {
        if self.published.and_then(|state| state.lost_member(self.ring, view)) == Some(member) {
            return true;
        }
        let node = self.nodes.get(self.ring.holder(view.partition, member));
        let known = node.and_then(|node| node.conditions.get(&member));
        known.is_some_and(|(incarnation, condition)| {
            view.in_sync.incarnation(member) == Some(*incarnation) && *condition != Condition::Whole
        })
    }
}
