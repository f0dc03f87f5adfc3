//! Rule 1, *one authority*: there is one view for each partition and epoch, at every holder. A
//! change adds one to the epoch, and is one of the changes that the design knows.

use std::collections::BTreeMap;

use protocol::id::{Epoch, PartitionId};
use protocol::view::{InSync, Member, View};
use service::events::{Event, GatewayFact, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::seen::{Moment, Seen, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct OneView {
    /// The published and stored views. A lost controller's file clears them: a view is lost
    /// with the file if no copy has acted on it, and its epoch may be used again.
    views: BTreeMap<(PartitionId, Epoch), View>,
    /// The views acted on by a copy.
    acted: BTreeMap<(PartitionId, Epoch), View>,
}

impl Check for OneView {
    fn rule(&self) -> Rule {
        Rule {
            check: "one-view",
            says: "rule 1: one view for each partition and epoch, changed by the controller alone, one epoch at a time",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::Inside(Event::Gateway { event, .. }) => match event {
                GatewayFact::Decides(view) => {
                    // A decided view counts only once it is saved, so the published one is the
                    // view before.
                    let before = model.published.get(&view.partition);
                    match before {
                        Some(before) => change_is_allowed(model, at, before, view),
                        None => Ok(()),
                    }
                }
                GatewayFact::Publishes(view) | GatewayFact::Tells { view, .. } => {
                    self.is_the_one(at, view)
                }
                GatewayFact::Welcomes { views, .. } => {
                    views.iter().try_for_each(|view| self.is_the_one(at, view))
                }
                _ => Ok(()),
            },
            Seen::Inside(Event::Node { event: NodeFact::Stores { view, .. }, .. }) => {
                self.is_the_one(at, view)
            }
            Seen::Inside(Event::Node { event: NodeFact::Acts { view, .. }, .. }) => {
                self.acted.entry((view.partition, view.epoch)).or_insert(*view);
                self.is_the_one(at, view)
            }
            Seen::World(WorldDid::Kills(Host::Gateway, Death::DataLost)) => {
                self.views.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl OneView {
    fn is_the_one(&mut self, at: Moment, view: &View) -> Result<(), Finding> {
        let key = (view.partition, view.epoch);
        let told = *self.views.entry(key).or_insert(*view);
        let known = self.acted.get(&key).copied().filter(|acted| acted != view).unwrap_or(told);
        if known == *view {
            return Ok(());
        }
        let detail = format!("two views of one epoch: {known:?} and {view:?}");
        Err(Finding::safety(at, detail).of(view.partition))
    }
}

fn change_is_allowed(
    model: &Model,
    at: Moment,
    before: &View,
    after: &View,
) -> Result<(), Finding> {
    use InSync::{Both, HomeOnly, NextOnly};
    let is_one_of_them = match (before.in_sync, after.in_sync) {
        (Both { home, .. }, HomeOnly { home: kept }) => home == kept,
        (Both { next, .. }, NextOnly { next: kept }) => next == kept,
        (HomeOnly { home }, Both { home: kept, .. }) => home == kept,
        (NextOnly { next }, Both { next: kept, .. }) => next == kept,
        // Home lost its data after the view shrank to it, and next is reinstated. Only the loss
        // of the data is checked here.
        (HomeOnly { home }, NextOnly { .. }) => {
            model.holder(before.partition, Member::Home).incarnation != Some(home)
        }
        _ => false,
    };
    let objection = if after.epoch != before.epoch.next() {
        "a change is one epoch"
    } else if !is_one_of_them {
        "there is no such change"
    } else {
        return Ok(());
    };
    let detail = format!("{objection}: {before:?}, then {after:?}");
    Err(Finding::safety(at, detail).of(after.partition))
}

#[cfg(test)]
mod tests {
    use service::events::Peer;

    use super::super::support::*;
    use super::*;

    #[test]
    fn two_contents_of_one_epoch_are_seen() {
        let mut scene = Scene::formed(OneView::default());
        scene.changes(home_only(0, 2));
        scene.objects(node(
            1,
            NodeFact::Stores { member: Member::Next, view: both(0, 2), from: Peer::Home },
        ));
    }

    #[test]
    fn an_epoch_that_is_left_out_is_seen() {
        let mut scene = Scene::formed(OneView::default());
        scene.objects(gateway(GatewayFact::Decides(home_only(0, 3))));
    }

    #[test]
    fn a_view_without_anyone_who_was_in_the_one_before_is_seen() {
        let mut scene = Scene::formed(OneView::default());
        scene.changes(home_only(0, 2));
        let next_only = InSync::NextOnly { next: incarnation(1) };
        scene.objects(gateway(GatewayFact::Decides(view(0, 3, next_only))));
    }
}
