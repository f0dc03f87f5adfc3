//! What the controller decides, on what is published and what it knows of the links.

use std::collections::BTreeMap;

use protocol::id::{ClusterId, Epoch, GatewayBoot, PartitionId};
use protocol::message::{Ask, Condition, DiskState, ToNode};
use protocol::view::{InSync, Member, View};

use super::alive::NoticedLosses;
use super::copies::Copies;
use super::grace::Grace;
use super::nodes::KnownNodes;
use super::rebuild::Prospect;
use super::unheard::Unheard;
use crate::gateway::cluster_state::ClusterState;
use crate::gateway::effect::GatewayEffect;
use crate::link::LinkId;
use crate::placement::Ring;
use crate::time::Time;

/// The asks that are not answered, by the link over which they came.
pub(super) type Asks = BTreeMap<PartitionId, (LinkId, Ask)>;

/// The copies that an operator wants to go on with, whatever is lost with the others.
pub(super) type Accepted = BTreeMap<PartitionId, Member>;

/// An operator's decision skips so many epochs: whatever a copy that is away knows of the view, and
/// nobody else, is older.
const EPOCHS_SKIPPED: u64 = 1_000_000;

/// Decides the next state. It takes asks and an operator's words, which count once, and notes whom
/// to probe.
pub(super) struct Deciding<'a> {
    pub(super) ring: &'a Ring,
    pub(super) boot: GatewayBoot,
    /// The cluster's id if it has to be formed.
    pub(super) new_cluster: ClusterId,
    pub(super) grace: &'a Grace,
    pub(super) published: Option<&'a ClusterState>,
    pub(super) nodes: &'a mut KnownNodes,
    pub(super) losses: &'a mut NoticedLosses,
    pub(super) asks: &'a mut Asks,
    pub(super) unheard: &'a mut Unheard,
    pub(super) accepted: &'a mut Accepted,
}

impl Deciding<'_> {
    /// The state to go to, where it differs from the published one. Asks that are not granted are
    /// refused or, if they are out of date, dropped.
    pub(super) fn decide(
        &mut self,
        now: Time,
        effects: &mut Vec<GatewayEffect>,
    ) -> Option<ClusterState> {
        let Some(published) = self.published else {
            return self.form().or_else(|| self.find_again());
        };
        let mut decided = ClusterState { boot: self.boot, ..published.clone() };
        self.take_data(&mut decided);
        let ring = self.ring;
        let views = ring.places().map(|place| {
            let partition = place.partition();
            let before = published.view(partition).copied();
            self.next_view(partition, before, &decided, now, effects)
        });
        decided.views = views.collect();
        (decided != *published).then_some(decided)
    }

    /// Formation: every node is linked, and none was ever in a cluster.
    fn form(&self) -> Option<ClusterState> {
        let founder = |place| {
            let hello = &self.nodes.reported(place)?.hello;
            hello.membership.is_none().then_some(hello.incarnation)
        };
        let incarnations = self.ring.places().map(founder).collect::<Option<Vec<_>>>()?;
        Some(ClusterState::formed(self.new_cluster, self.boot, self.ring, &incarnations))
    }

    /// Rule 10: there is no state, and a node knows its cluster. The views are rebuilt as their
    /// copies report.
    fn find_again(&self) -> Option<ClusterState> {
        let mut reported = self.ring.places().filter_map(|place| self.nodes.reported(place));
        let cluster =
            reported.find_map(|linked| Some(linked.hello.membership.as_ref()?.cluster))?;
        let mut state = ClusterState::unknown(cluster, self.boot, self.ring);
        self.take_data(&mut state);
        Some(state)
    }

    /// Rule 9: the data that a node comes with is the data that the ring knows it by from now on.
    fn take_data(&self, state: &mut ClusterState) {
        for (place, node) in self.ring.places().zip(&mut state.nodes) {
            let Some(linked) = self.nodes.reported(place) else { continue };
            let (incarnation, boots) = (Some(linked.hello.incarnation), linked.hello.boot.count);
            let before = if node.incarnation == incarnation { node.boots } else { 0 };
            (node.incarnation, node.boots) = (incarnation, before.max(boots));
        }
    }

    /// The view of a partition from now on; none while it is not known.
    fn next_view(
        &mut self,
        partition: PartitionId,
        before: Option<View>,
        state: &ClusterState,
        now: Time,
        effects: &mut Vec<GatewayEffect>,
    ) -> Option<View> {
        if let Some(accepted) = self.accept(partition, before, state) {
            return Some(accepted);
        }
        let Some(view) = before else { return self.rebuild(partition) };
        if self.copies().newest_reported(partition) > Some(view.epoch) {
            // Rule 10: this controller's file is not the newest there was.
            return None;
        }
        let granted = self.answer_ask(&view, effects);
        let in_sync = self
            .drop_lost(&view, state)
            .or_else(|| self.reinstate_next(&view, state))
            .or_else(|| self.drop_damaged(&view))
            .or(granted)
            .or_else(|| self.shrink(&view, now))
            .filter(|in_sync| *in_sync != view.in_sync);
        if let (InSync::Both { next, .. }, Some(InSync::HomeOnly { .. })) = (view.in_sync, in_sync)
        {
            self.unheard.dropped(partition, view.epoch.next(), next);
        }
        Some(in_sync.map_or(view, |in_sync| View {
            epoch: view.epoch.next(),
            in_sync,
            decided_by: self.boot,
            ..view
        }))
    }

    /// An operator accepts that updates are lost: this copy alone counts from now on.
    fn accept(
        &mut self,
        partition: PartitionId,
        before: Option<View>,
        state: &ClusterState,
    ) -> Option<View> {
        let member = self.accepted.remove(&partition)?;
        // It may have come back meanwhile.
        let is_gone = self.copies().is_in_want(state, partition);
        let linked = self
            .nodes
            .reported(self.ring.holder(partition, member))
            .filter(|linked| is_gone && linked.condition(member) != Condition::Partial)?;
        let incarnation = linked.hello.incarnation;
        let newest = self.copies().newest_reported(partition).max(before.map(|view| view.epoch));
        let epoch = Epoch(newest.unwrap_or_default().0.saturating_add(EPOCHS_SKIPPED));
        let in_sync = InSync::only(member, incarnation);
        let accepted_loss = Some(epoch);
        // What they once had does not count any more.
        for place in Member::ALL.map(|member| self.ring.holder(partition, member)) {
            let node = self.nodes.get_mut(place);
            node.progress.clear();
            node.durable.clear();
        }
        Some(View { partition, epoch, in_sync, decided_by: self.boot, accepted_loss })
    }

    /// Rule 9: a member whose data is gone is dropped in favour of the other one.
    fn drop_lost(&mut self, view: &View, state: &ClusterState) -> Option<InSync> {
        let lost = state.lost_member(self.ring, view)?;
        let in_sync = view.in_sync.without(lost)?;
        self.may_survive(view, lost.other()).then_some(in_sync)
    }

    /// Home lost its data after the view shrank to it, but before it served alone. Next is still
    /// complete and takes over.
    fn reinstate_next(&mut self, view: &View, state: &ClusterState) -> Option<InSync> {
        let next = self.copies().reinstatable(view, state)?;
        let reinstated = View { in_sync: InSync::NextOnly { next }, ..*view };
        self.may_survive(&reinstated, Member::Next).then_some(reinstated.in_sync)
    }

    /// A copy that is worth less than the other one leaves in favour of that; then it is restored.
    /// Where both are damaged, each has rows that the other one lacks.
    fn drop_damaged(&mut self, view: &View) -> Option<InSync> {
        let is_worth_less = |member: &Member| {
            let condition = |member| self.copies().condition_in(view, member);
            let both = condition(*member).zip(condition(member.other()));
            both.is_some_and(|(condition, other)| other.is_better_than(condition))
        };
        let damaged = Member::ALL.into_iter().find(is_worth_less)?;
        let in_sync = view.in_sync.without(damaged)?;
        self.may_survive(view, damaged.other()).then_some(in_sync)
    }

    fn rebuild(&self, partition: PartitionId) -> Option<View> {
        match self.copies().prospect(partition) {
            Prospect::Found(view) => {
                Some(View { epoch: view.epoch.next(), decided_by: self.boot, ..view })
            }
            Prospect::Awaited(_) | Prospect::Unaccounted(_) | Prospect::Contradiction => None,
        }
    }

    /// Rule 6: an ask counts for the epoch it names and the link it came over; the joiner it names
    /// must be linked, and say that it is whole.
    fn answer_ask(&mut self, view: &View, effects: &mut Vec<GatewayEffect>) -> Option<InSync> {
        let (link, Ask { ask, partition, epoch, joiner }) = self.asks.remove(&view.partition)?;
        let (member, in_sync) = view.in_sync.sole()?;
        let donor = self.nodes.welcomed(self.ring.holder(partition, member))?;
        if donor.link != link || donor.hello.incarnation != in_sync || epoch != view.epoch {
            return None;
        }
        match self.nodes.welcomed(self.ring.holder(partition, member.other())) {
            Some(other)
                if other.hello.incarnation == joiner
                    && other.disk == DiskState::Answers
                    && other.condition(member.other()) == Condition::Whole =>
            {
                Some(view.in_sync.with(joiner))
            }
            Some(_) | None => {
                effects.push(GatewayEffect::send(link, ToNode::AskRefused { partition, ask }));
                None
            }
        }
    }

    /// Next is dropped where it cannot be reached, or is about to be (rule 5).
    fn shrink(&mut self, view: &View, now: Time) -> Option<InSync> {
        let InSync::Both { home, .. } = view.in_sync else { return None };
        let [of_home, of_next] =
            [Member::Home, Member::Next].map(|member| self.ring.holder(view.partition, member));
        let next = self.nodes.linked(of_next);
        let is_lost = next.is_none_or(|next| next.disk == DiskState::Silent)
            || self.nodes.last_words(of_next).is_some();
        let unreachable = self.nodes.linked(of_home).and_then(|home| home.unreachable);
        let is_due = now >= self.grace.until() && (is_lost || unreachable == Some(view.epoch));
        (is_due && self.may_survive(view, Member::Home)).then_some(InSync::HomeOnly { home })
    }

    /// Whether a view may drop the other member in favour of this one (rule 5). If only the answer
    /// to a probe is missing, the node is probed.
    fn may_survive(&mut self, view: &View, member: Member) -> bool {
        self.copies().could_survive(view, member)
            && self.losses.is_alive_since(self.nodes, self.ring, view, member)
    }

    fn copies(&self) -> Copies<'_> {
        let Self { ring, published, nodes, unheard, .. } = self;
        Copies { ring, published: *published, nodes, unheard }
    }
}
