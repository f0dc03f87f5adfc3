//! The rules for a change of a view.

use protocol::view::{InSync, Member, View};
use ring_core::gateway::ClusterState;

use super::KnownViews;
use crate::gateway::GatewayDisk;
use crate::machines::Machines;
use crate::network::Network;
use crate::totals::Totals;

/// Checks a state when the controller decides it.
pub(crate) struct OnDecision<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) network: &'a Network,
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) views: &'a mut KnownViews,
    pub(crate) totals: &'a mut Totals,
}

impl OnDecision<'_> {
    /// Rules 1 and 5: a change adds one to the epoch, never empties a view, and keeps a member
    /// with a live link.
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

    fn check_members(&mut self, before: &View, view: &View) {
        let holder = |member| self.machines.holder(view.partition, member);
        let has_lost = |member: Member, incarnation| holder(member).incarnation != incarnation;
        match (before.in_sync, view.in_sync) {
            (InSync::Both { home, next }, InSync::HomeOnly { home: kept }) => {
                assert_eq!(home, kept, "rule 5: another home");
                let home = self.machines.ring().holder(view.partition, Member::Home);
                assert!(
                    self.network.is_open_at_gateway(home) || has_lost(Member::Next, next),
                    "rule 5: shrunk in favour of a lost link"
                );
            }
            (InSync::Both { home, next }, InSync::NextOnly { next: kept }) => {
                assert_eq!(next, kept, "rule 9: another next");
                let is_damaged = holder(Member::Home).disk.current.home.is_damaged;
                assert!(has_lost(Member::Home, home) || is_damaged, "rule 9: home has its data");
                self.views.drop_home(view.partition, home);
            }
            (InSync::HomeOnly { home }, InSync::Both { home: kept, .. }) => {
                assert_eq!(home, kept)
            }
            (InSync::NextOnly { next }, InSync::Both { next: kept, .. }) => {
                assert_eq!(next, kept);
                self.views.home_is_restored(view.partition);
            }
            (InSync::HomeOnly { home }, InSync::NextOnly { .. }) => {
                assert!(has_lost(Member::Home, home), "rule 9: home has its data");
            }
            (before, after) => panic!("there is no change from {before:?} to {after:?}"),
        }
    }

    /// An operator lets a partition go on with one of the copies in sync. None of them is whole.
    fn check_accepted(&mut self, before: &View, view: &View) {
        assert_eq!(view.accepted_loss, Some(view.epoch), "the view remembers when");
        assert!(view.epoch > before.epoch, "rule 1: an epoch went back");
        let (member, incarnation) = view.in_sync.sole().expect("one copy alone");
        assert_eq!(before.in_sync.incarnation(member), Some(incarnation), "another copy");
        let home = before.in_sync.incarnation(Member::Home).filter(|_| member == Member::Next);
        // Home may hold entries that next never had.
        if let Some(home) = home {
            self.views.drop_home(view.partition, home);
        }
    }
}
