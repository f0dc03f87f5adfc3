//! Rule 12, *at most once*: no request is carried out by two entries. Two kinds of entry do not
//! count: an entry lost by home with the power before home sent it, and an entry held by home
//! alone when a snapshot of next replaced home's data.

use std::collections::BTreeMap;

use protocol::id::{PartitionId, Position, RequestId};
use protocol::view::Member;
use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct AtMostOnce {
    applied: BTreeMap<(PartitionId, RequestId), Position>,
}

impl Check for AtMostOnce {
    fn rule(&self) -> Rule {
        Rule { check: "at-most-once", says: "rule 12: a request is carried out at most once" }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node { node, event }) = seen else { return Ok(()) };
        match event {
            NodeFact::Starts { home, .. } => {
                // An entry missing at the start of the home copy was never carried out ...
                let is_its_own = |partition: &PartitionId| {
                    node.as_str().strip_prefix("db-") == Some(&partition.0.to_string())
                };
                // ... unless next has it: home is then restored from next.
                let is_at_next = |partition, position: &Position| {
                    model.copy(partition, Member::Next).entry.durable.seq >= position.seq
                };
                self.applied.retain(|(partition, _), position| {
                    !is_its_own(partition)
                        || position.seq <= home.written.seq
                        || is_at_next(*partition, position)
                });
                Ok(())
            }
            NodeFact::BeginsInstall { partition, member: Member::Home, base } => {
                self.applied
                    .retain(|(of, _), position| of != partition || position.seq <= base.seq);
                Ok(())
            }
            NodeFact::Applies { partition, member: Member::Home, position, request } => {
                let before = self.applied.insert((*partition, *request), *position);
                let Some(before) = before.filter(|before| before != position) else {
                    return Ok(());
                };
                let detail = format!(
                    "request {request} of {partition} is carried out by entry {before} and by entry {position}"
                );
                Err(Finding::safety(at, detail).of(*partition))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn a_request_that_is_applied_twice_is_seen() {
        let mut scene = Scene::formed(AtMostOnce::default());
        scene.applies(Member::Home, position(1, 1), 7);
        scene.applies(Member::Home, position(1, 2), 8);
        scene.objects(applies(Member::Home, position(1, 3), 7));
    }

    #[test]
    fn what_a_snapshot_took_away_may_be_done_again() {
        let begins = |base| NodeFact::BeginsInstall { partition: P0, member: Member::Home, base };
        for (base, is_good) in [(position(1, 1), true), (position(1, 2), false)] {
            let mut scene = Scene::formed(AtMostOnce::default());
            scene.applies(Member::Home, position(1, 1), 7);
            scene.applies(Member::Home, position(1, 2), 8);
            scene.play(node(0, begins(base)));
            let again = applies(Member::Home, position(2, 3), 8);
            if is_good {
                scene.play(again);
            } else {
                scene.objects(again);
            }
        }
    }

    #[test]
    fn what_was_lost_with_the_power_may_be_done_again() {
        let mut scene = Scene::formed(AtMostOnce::default());
        scene.play(applies(Member::Home, position(1, 1), 7));
        scene.play(starts(0, found(Some(both(0, 1)), Position::default()), nothing()));
        scene.play(applies(Member::Home, position(1, 1), 9));
        scene.play(applies(Member::Home, position(1, 2), 7));
    }
}
