//! Rule 14, *one gateway*: a second gateway on the same state directory never gets to work. And
//! with a second gateway on a copy of the directory, no copy of a partition ever takes two
//! views of one epoch, as long as its node keeps its data.

use std::collections::BTreeMap;

use protocol::id::{Epoch, Incarnation, NodeId};
use protocol::view::{Member, View};
use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::kind::FaultKind;
use crate::seen::{Ended, Moment, Seen, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct OneGateway {
    /// The views acted on, by node and its data: a node without its old data cannot know the
    /// old views.
    views: BTreeMap<(NodeId, Option<Incarnation>, Member, Epoch), View>,
    /// Whether the second gateway has a state directory of its own.
    is_forked: bool,
    /// When the second gateway was started; none if it has ended, or never ran.
    second_since: Option<Moment>,
}

/// How soon a second gateway must notice the first one, in milliseconds.
const NOTICED_WITHIN_MS: u128 = 100;

impl Check for OneGateway {
    fn rule(&self) -> Rule {
        Rule {
            check: "one-gateway",
            says: "rule 14: there is one gateway, and a copy never has two views of one epoch",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::World(WorldDid::Fault(FaultKind::ForkedGateway)) => self.is_forked = true,
            Seen::World(WorldDid::Starts(Host::SecondGateway)) => self.second_since = Some(at),
            Seen::World(WorldDid::Ended(Host::SecondGateway, ended)) => {
                self.second_since = None;
                let is_explained =
                    matches!(ended, Ended::Otherwise(reason) if reason.contains("another gateway"));
                if !self.is_forked && !is_explained {
                    let detail =
                        format!("a second gateway ended otherwise than it should: {ended:?}");
                    return Err(Finding::safety(at, detail));
                }
            }
            Seen::Inside(Event::Node { node, event: NodeFact::Acts { member, view } }) => {
                let data = model.node(node).and_then(|node| node.incarnation);
                let key = (node.clone(), data, *member, view.epoch);
                let known = self.views.entry(key).or_insert(*view);
                if known != view {
                    let detail = format!("{node} has acted on {known:?} and acts on {view:?}");
                    return Err(Finding::safety(at, detail).of(view.partition));
                }
            }
            _ => {}
        }
        match self.second_since.filter(|_| !self.is_forked) {
            Some(since) if (at.0.saturating_sub(since.0)).as_millis() > NOTICED_WITHIN_MS => {
                let detail = "a second gateway is at work on the same state directory";
                Err(Finding::safety(at, detail))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_second_gateway_that_goes_on_is_seen() {
        let scene = Scene::formed(OneGateway::default());
        let mut check = scene.check;
        let start = Seen::World(WorldDid::Starts(Host::SecondGateway));
        check.see(&scene.model, Moment(Duration::from_secs(5)), &start).unwrap();
        let later = Moment(Duration::from_secs(6));
        assert!(
            check.see(&scene.model, later, &comes(Member::Home, position(1, 1), 1, 1)).is_err()
        );
    }

    #[test]
    fn a_copy_with_two_views_of_one_epoch_is_seen() {
        let mut scene = Scene::formed(OneGateway::default());
        scene.play(node(1, NodeFact::Acts { member: Member::Next, view: home_only(0, 2) }));
        scene.objects(node(1, NodeFact::Acts { member: Member::Next, view: both(0, 2) }));
    }

    #[test]
    fn a_node_whose_data_was_lost_is_not_held_to_what_it_cannot_know() {
        let mut scene = Scene::formed(OneGateway::default());
        scene.play(node(1, NodeFact::Acts { member: Member::Next, view: home_only(0, 2) }));
        scene.play(starts_with(1, incarnation(7), nothing(), nothing()));
        scene.play(node(1, NodeFact::Acts { member: Member::Next, view: both(0, 2) }));
    }
}
