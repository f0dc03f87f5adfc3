//! Rule 9, *lost data*: a node is welcomed only under views that name its present data. A node
//! that came back without its data is dropped from every view that named it before.

use protocol::view::Member;
use service::events::{Event, GatewayFact};

use super::check::Check;
use crate::model::{Model, named};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct LostData;

impl Check for LostData {
    fn rule(&self) -> Rule {
        Rule {
            check: "lost-data",
            says: "rule 9: a node is welcomed only under views that name the data it has",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Gateway { gateway, event: GatewayFact::Welcomes { node, views } }) =
            seen
        else {
            return Ok(());
        };
        // The node may be gone already, and its successor at this place may not be linked yet.
        let links = model.links.iter().rev().filter(|((of, _), _)| of == gateway);
        let Some(place) = model.ring.place_of(node) else { return Ok(()) };
        let Some(linked) = links.map(|(_, linked)| linked).find(|linked| linked.place == place)
        else {
            return Ok(());
        };
        for view in views {
            let members = [Member::Home, Member::Next].into_iter();
            let mut here =
                members.filter(|member| model.ring.holder(view.partition, *member) == place);
            let named = here.find_map(|member| named(view.in_sync, member));
            if named.is_some_and(|named| named != linked.incarnation) {
                let detail = format!(
                    "{node} has data {} and is welcomed under {view:?}",
                    linked.incarnation
                );
                return Err(Finding::safety(at, detail).of(view.partition));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::Boot;

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_welcome_under_a_view_that_names_lost_data_is_seen() {
        let mut scene = Scene::formed(LostData);
        let views = vec![both(0, 1), both(2, 1)];
        scene.play(gateway(GatewayFact::Welcomes { node: id(0), views: views.clone() }));
        scene.play(gateway(GatewayFact::Unlinked { link: 0, node: id(0) }));
        let boot = Boot { count: 1, nonce: uuid::Uuid::from_u128(9) };
        let linked =
            GatewayFact::Linked { link: 9, node: id(0), incarnation: incarnation(8), boot };
        scene.play(gateway(linked));
        scene.objects(gateway(GatewayFact::Welcomes { node: id(0), views }));
    }
}
