//! A view that was lost with the controller's file is rebuilt from what both copies report (rule
//! 10).
//!
//! A copy stores a view before it acts on it, and forgets none but with its data. So the newest
//! view under which anything was acknowledged is the newest that the copies know of, as long as
//! both are heard and neither has lost what it knew:
//!
//! | a copy reports | it counts |
//! |---|---|
//! | a view that names its own data, or nobody in its place | yes |
//! | a view that names other data in its place | no: it knows less than the data before it did |
//! | no view, and the other copy's view names its data | yes: it never acted on any |
//! | no view otherwise | no |
//!
//! The view is published one epoch later, so that whatever of the old one is still on its way is
//! fenced.

use protocol::id::{Incarnation, PartitionId};
use protocol::message::CopyReport;
use protocol::view::{Member, View};

use super::copies::Copies;

/// What the reports of both copies come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// This copy has not reported yet.
    Awaited(Member),
    /// This copy's data is not what the view was decided for, so a newer one may have been lost
    /// with that.
    Unaccounted(Member),
    /// The copies know two views of one epoch: two controllers were at work.
    Contradiction,
    /// This is the newest view that the copies know of.
    Found(View),
}

impl Copies<'_> {
    /// What is known of a view that was lost.
    pub(crate) fn prospect(self, partition: PartitionId) -> Prospect {
        let report = |member| {
            let linked = self.nodes.linked(self.ring.holder(partition, member))?;
            let report = *linked.report.as_ref()?.copy(member);
            Some(Reported { incarnation: linked.hello.incarnation, report })
        };
        match (report(Member::Home), report(Member::Next)) {
            (None, _) => Prospect::Awaited(Member::Home),
            (_, None) => Prospect::Awaited(Member::Next),
            (Some(home), Some(next)) => judge(home, next),
        }
    }
}

/// What a copy has reported, with which data.
struct Reported {
    incarnation: Incarnation,
    report: CopyReport,
}

fn judge(home: Reported, next: Reported) -> Prospect {
    let newest = match (home.report.view, next.report.view) {
        (Some(home), Some(next)) if home.epoch == next.epoch && home != next => {
            return Prospect::Contradiction;
        }
        (Some(home), Some(next)) if home.epoch >= next.epoch => home,
        (_, Some(next)) => next,
        (Some(home), None) => home,
        (None, None) => return Prospect::Unaccounted(Member::Home),
    };
    for (member, Reported { incarnation, report }) in [(Member::Home, home), (Member::Next, next)] {
        let named = report.view.map(|view| view.in_sync.incarnation(member));
        let counts = match named {
            Some(named) => named.is_none_or(|named| named == incarnation),
            None => newest.in_sync.incarnation(member) == Some(incarnation),
        };
        if !counts {
            return Prospect::Unaccounted(member);
        }
    }
    Prospect::Found(newest)
}

#[cfg(test)]
mod tests {
    use protocol::id::{Epoch, GatewayBoot, Position};
    use protocol::message::Condition;
    use protocol::view::InSync;
    use uuid::Uuid;

    use super::*;

    fn data(number: u128) -> Incarnation {
        Incarnation(Uuid::from_u128(number))
    }

    fn view(epoch: u64, in_sync: InSync) -> View {
        View {
            partition: PartitionId(0),
            epoch: Epoch(epoch),
            in_sync,
            decided_by: GatewayBoot(Uuid::from_u128(9)),
            accepted_loss: None,
        }
    }

    fn report(incarnation: u128, view: Option<View>) -> Reported {
        let position = Position::ZERO;
        let report = CopyReport { view, position, condition: Condition::Whole };
        Reported { incarnation: data(incarnation), report }
    }

    const BOTH: fn(u64) -> View =
        |epoch| view(epoch, InSync::Both { home: data(1), next: data(2) });
    const HOME_ONLY: fn(u64) -> View = |epoch| view(epoch, InSync::HomeOnly { home: data(1) });

    #[test]
    fn the_newest_view_counts_whoever_knows_it() {
        let (old, new) = (BOTH(4), HOME_ONLY(5));
        assert_eq!(judge(report(1, Some(new)), report(2, Some(old))), Prospect::Found(new));
        assert_eq!(judge(report(1, Some(old)), report(2, Some(new))), Prospect::Found(new));
    }

    #[test]
    fn a_copy_that_never_had_a_view_counts_where_the_view_names_it() {
        assert_eq!(judge(report(1, Some(BOTH(1))), report(2, None)), Prospect::Found(BOTH(1)));
        let unaccounted = Prospect::Unaccounted(Member::Next);
        assert_eq!(judge(report(1, Some(BOTH(1))), report(7, None)), unaccounted);
        assert_eq!(judge(report(1, Some(HOME_ONLY(2))), report(2, None)), unaccounted);
    }

    #[test]
    fn a_copy_that_was_restored_counts_by_a_view_of_its_own() {
        let of_others = report(7, Some(BOTH(3)));
        let unaccounted = Prospect::Unaccounted(Member::Next);
        assert_eq!(judge(report(1, Some(BOTH(3))), of_others), unaccounted);
        let joined = view(5, InSync::Both { home: data(1), next: data(7) });
        let restored = report(7, Some(joined));
        assert_eq!(judge(report(1, Some(HOME_ONLY(4))), restored), Prospect::Found(joined));
    }

    #[test]
    fn two_views_of_one_epoch_stop_the_partition() {
        let home = report(1, Some(HOME_ONLY(3)));
        assert_eq!(judge(home, report(2, Some(BOTH(3)))), Prospect::Contradiction);
    }
}
