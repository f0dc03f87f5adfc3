//! Rule 1, *one authority*: a change is durable at the controller before anyone hears of it.
//! From the decision until then the controller sends nothing for that partition. And a copy
//! makes a view durable before it acts on it.

use protocol::id::PartitionId;
use protocol::view::View;
use service::events::{Event, GatewayFact, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct DurableViews;

impl Check for DurableViews {
    fn rule(&self) -> Rule {
        Rule {
            check: "durable-views",
            says: "rule 1: a view is durable before anyone hears of it, and before a copy acts on it",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::Inside(Event::Gateway { event, .. }) => match event {
                GatewayFact::Publishes(view) => is_saved(model, at, view),
                GatewayFact::Tells { view, .. } => {
                    is_saved(model, at, view)?;
                    is_settled(model, at, view.partition)
                }
                GatewayFact::Welcomes { views, .. } => views.iter().try_for_each(|view| {
                    is_saved(model, at, view)?;
                    is_settled(model, at, view.partition)
                }),
                // Requests go on under the published view: it still holds.
                _ => Ok(()),
            },
            Seen::Inside(Event::Node { node, event: NodeFact::Acts { member, view } }) => {
                let durable = model.node(node).and_then(|node| node.copy(*member).view.durable);
                if durable == Some(*view) {
                    return Ok(());
                }
                let detail =
                    format!("{node} acts on {view} ({member}), and has {durable:?} durable");
                Err(Finding::safety(at, detail).of(view.partition))
            }
            _ => Ok(()),
        }
    }
}

fn is_saved(model: &Model, at: Moment, view: &View) -> Result<(), Finding> {
    let saved = model.saved.get(&view.partition);
    if saved == Some(view) {
        return Ok(());
    }
    let detail = format!("{view} is told, and the controller's file has {saved:?}");
    Err(Finding::safety(at, detail).of(view.partition))
}

fn is_settled(model: &Model, at: Moment, partition: PartitionId) -> Result<(), Finding> {
    match model.deciding.get(&partition) {
        None => Ok(()),
        Some(view) => {
            let detail = format!("a view of {partition} is told while {view} is being saved");
            Err(Finding::safety(at, detail).of(partition))
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::view::Member;
    use service::events::Peer;

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_view_that_is_published_before_it_is_saved_is_seen() {
        let mut scene = Scene::formed(DurableViews);
        scene.play(gateway(GatewayFact::Decides(home_only(0, 2))));
        scene.objects(gateway(GatewayFact::Publishes(home_only(0, 2))));
    }

    #[test]
    fn a_welcome_while_a_view_is_being_saved_is_seen() {
        let mut scene = Scene::formed(DurableViews);
        scene.play(gateway(GatewayFact::Decides(home_only(0, 2))));
        let views = vec![both(1, 1), both(0, 1)];
        scene.objects(gateway(GatewayFact::Welcomes { node: id(1), views }));
    }

    #[test]
    fn a_copy_that_acts_on_what_is_only_written_is_seen() {
        let mut scene = Scene::formed(DurableViews);
        let (member, view) = (Member::Home, home_only(0, 2));
        scene.changes(view);
        scene.play(node(0, NodeFact::Stores { member, view, from: Peer::Gateway }));
        scene.writes(0);
        scene.objects(node(0, NodeFact::Acts { member, view }));
    }
}
