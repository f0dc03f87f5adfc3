//! The rules for a change of a view.

use protocol::message::Condition;
use protocol::view::{InSync, Member, View};
use ring_core::gateway::ClusterState;

use super::evidence::Evidence;
use super::known_views::KnownViews;
use crate::gateway::GatewayDisk;
use crate::machines::Machines;
use crate::totals::Totals;

/// Checks a state when the controller decides it.
pub(crate) struct OnDecision<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) evidence: &'a Evidence,
    pub(crate) views: &'a mut KnownViews,
    pub(crate) totals: &'a mut Totals,
}

impl OnDecision<'_> {
    /// Rule 1: a change adds one to the epoch.
    pub(crate) fn check(&mut self, decided: &ClusterState) {
        for view in decided.known_views() {
            let Some(before) = self.gateway.view(view.partition) else { continue };
            if before == *view {
                continue;
            }
            self.totals.view_changes += 1;
            if view.accepted_loss != before.accepted_loss {
                self.check_accepted(&before, view);
                continue;
            }
            assert_eq!(view.epoch, before.epoch.next(), "rule 1: a change is one epoch");
            self.check_members(&before, view);
        }
    }

    /// Each change is one of those that the design knows. The copies that stay are the same.
    fn check_members(&mut self, before: &View, view: &View) {
        match (before.in_sync, view.in_sync) {
            (InSync::Both { home, next }, InSync::HomeOnly { home: kept }) => {
                assert_eq!(home, kept, "rule 5: another home");
                self.check_survivor(before, view);
                self.views.drop_next(view, next);
            }
            (InSync::Both { home, next }, InSync::NextOnly { next: kept }) => {
                assert_eq!(next, kept, "rule 9: another next");
                self.check_home_is_worth_less(before);
                self.check_survivor(before, view);
                self.views.drop_home(view.partition, home);
            }
            (InSync::HomeOnly { .. }, InSync::NextOnly { .. }) => {
                self.check_reinstated(before, view);
            }
            (InSync::HomeOnly { home }, InSync::Both { home: kept, .. }) => {
                assert_eq!(home, kept, "rule 6: another home");
                self.check_joiner(view, Member::Next);
            }
            (InSync::NextOnly { next }, InSync::Both { next: kept, .. }) => {
                assert_eq!(next, kept, "rule 6: another next");
                self.check_joiner(view, Member::Home);
                self.views.home_is_restored(view.partition);
            }
            (before, after) => panic!("there is no change from {before:?} to {after:?}"),
        }
    }

    /// Rule 5: a view drops a member only if that is lost, and only in favour of a member that is
    /// linked, whole, has a disk that answers, and is alive now.
    fn check_survivor(&self, before: &View, view: &View) {
        let (ring, evidence) = (self.machines.ring(), self.evidence);
        let (kept, _) = view.in_sync.sole().expect("one copy alone");
        let dropped = kept.other();
        assert!(
            evidence.is_there(ring, view, kept),
            "rule 5: {view} for a member that is lost, or has a silent disk"
        );
        let condition = evidence.condition(ring, view, kept);
        let is_worth_it = match condition {
            Some(Condition::Whole) => true,
            Some(Condition::Damaged) => evidence.was_not_whole(ring, before, dropped),
            Some(Condition::Partial | Condition::Unreadable) | None => false,
        };
        assert!(is_worth_it, "rule 5: {view} for a copy in the condition {condition:?}");
        self.check_complete(view, kept);
        let Some(loss) = evidence.loss_of(ring, before, dropped) else {
            panic!("rule 5: {view}, and nothing of {dropped} is lost");
        };
        assert!(
            evidence.is_alive_since(ring, view, kept, loss),
            "rule 5: {view} for a member that has answered no probe since the loss"
        );
    }

    /// Rules 5 and 6: whatever the copy has told, no part of it is missing.
    fn check_complete(&self, view: &View, member: Member) {
        let copy = self.machines.durable_copy(view.partition, member);
        assert!(copy.installing.is_none(), "{view}, and {member} is only partly there");
    }

    /// Rule 9: home leaves the view *both* only without its data, or with damage.
    fn check_home_is_worth_less(&self, before: &View) {
        let home = self.machines.current_copy(before.partition, Member::Home);
        assert!(
            self.has_lost_data(before, Member::Home) || home.is_damaged,
            "rule 9: home has its data"
        );
    }

    /// Rule 9: the next copy that was dropped for this view takes over from a home that has lost
    /// its data and never served alone. So it has everything that anyone was told of.
    fn check_reinstated(&mut self, before: &View, view: &View) {
        assert!(self.has_lost_data(before, Member::Home), "rule 9: home has its data");
        assert_eq!(
            view.in_sync.incarnation(Member::Next),
            self.views.dropped_next(before),
            "rule 9: another next than the one dropped for the view of home"
        );
        assert!(!self.evidence.serves_alone(before), "rule 9: home has served alone");
        self.check_survivor(before, view);
        self.totals.reinstated += 1;
    }

    /// Rule 6: the joiner is linked and whole.
    fn check_joiner(&self, view: &View, joiner: Member) {
        let (ring, evidence) = (self.machines.ring(), self.evidence);
        assert!(evidence.is_there(ring, view, joiner), "rule 6: {view} with a lost joiner");
        assert_eq!(
            evidence.condition(ring, view, joiner),
            Some(Condition::Whole),
            "rule 6: {view} with a joiner that is not whole"
        );
        self.check_complete(view, joiner);
    }

    /// An operator lets a partition go on with one of the copies in sync. None of them is whole.
    fn check_accepted(&mut self, before: &View, view: &View) {
        assert_eq!(view.accepted_loss, Some(view.epoch), "the view remembers when");
        assert!(view.epoch > before.epoch, "rule 1: an epoch went back");
        let (member, incarnation) = view.in_sync.sole().expect("one copy alone");
        assert_eq!(before.in_sync.incarnation(member), Some(incarnation), "another copy");
        let condition = self.evidence.condition(self.machines.ring(), view, member);
        assert!(
            condition.is_some_and(|condition| condition != Condition::Partial),
            "{view} for a copy that is not linked, or only partly there"
        );
        for other in Member::ALL {
            let is_whole = before.in_sync.incarnation(other).is_some()
                && !self.has_lost_data(before, other)
                && self.machines.is_sound(view.partition, other);
            assert!(!is_whole, "{view} by an operator, and {other} is whole");
        }
        let home = before.in_sync.incarnation(Member::Home).filter(|_| member == Member::Next);
        // Home may hold entries that next never had.
        if let Some(home) = home {
            self.views.drop_home(view.partition, home);
        }
    }

    /// Whether the data of a member in sync is gone.
    fn has_lost_data(&self, view: &View, member: Member) -> bool {
        let incarnation = self.machines.incarnation(view.partition, member);
        view.in_sync.incarnation(member).is_some_and(|named| named != incarnation)
    }
}
