//! Rule 5, *shrink*: a view shrinks for a lost link only in favour of a member whose link is up; and home alone never
//! leaves the view but by the loss of its data, or by damage to it. A member is its node *and* its data: a node that has come back without
//! it is not the member that the view would keep.

use process::events::{Event, GatewayEvent};
use protocol::view::{InSync, Member};

use super::Check;
use crate::model::Model;
use crate::report::Violation;
use crate::seen::{Moment, Seen};

const NAME: &str = "shrink";

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Shrink;

impl Check for Shrink {
    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        let Seen::Inside(Event::Gateway { gateway, event: GatewayEvent::Decides(view) }) = seen
        else {
            return Ok(());
        };
        let before = model.published.get(&view.partition).map(|view| view.in_sync);
        let has_lost = |member, incarnation| {
            model.holder(view.partition, member).incarnation != Some(incarnation)
        };
        let keeper = match (before, view.in_sync) {
            (Some(InSync::Both { next, .. }), InSync::HomeOnly { home }) => {
                if has_lost(Member::Next, next) {
                    return Ok(());
                }
                home
            }
            (Some(InSync::Both { home, .. }), InSync::NextOnly { .. }) => {
                let is_damaged = model.copy(view.partition, Member::Home).is_damaged;
                if has_lost(Member::Home, home) || is_damaged {
                    return Ok(());
                }
                let detail = format!("home is dropped, though it has its data: {view}");
                return Err(Violation::safety(NAME, at, detail).of(view.partition));
            }
            _ => return Ok(()),
        };
        let place = model.ring.holder(view.partition, Member::Home);
        let is_linked = model.links.iter().any(|((of, _), linked)| {
            (*of, linked.place, linked.incarnation) == (*gateway, place, keeper)
        });
        if is_linked {
            return Ok(());
        }
        let node = model.ring.node_at(place);
        let detail =
            format!("shrunk in favour of {node}, which is not linked with that data: {view}");
        Err(Violation::safety(NAME, at, detail).of(view.partition))
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn a_view_that_shrinks_to_a_lost_home_is_seen() {
        let mut scene = Scene::formed(Shrink);
        scene.play(gateway(GatewayEvent::Decides(home_only(1, 2))));
        scene.play(gateway(GatewayEvent::Unlinked { link: 0, node: id(0) }));
        scene.objects(gateway(GatewayEvent::Decides(home_only(0, 2))));
    }

    #[test]
    fn a_view_that_shrinks_to_a_home_without_its_data_is_seen() {
        let mut scene = Scene::formed(Shrink);
        scene.play(gateway(GatewayEvent::Unlinked { link: 0, node: id(0) }));
        scene.play(gateway(GatewayEvent::Linked {
            link: 7,
            node: id(0),
            incarnation: incarnation(8),
            boot: protocol::id::Boot { count: 1, nonce: uuid::Uuid::from_u128(7) },
        }));
        scene.objects(gateway(GatewayEvent::Decides(home_only(0, 2))));
    }

    #[test]
    fn a_home_that_is_dropped_with_its_data_is_seen() {
        let mut scene = Scene::formed(Shrink);
        let next_only = InSync::NextOnly { next: incarnation(1) };
        scene.objects(gateway(GatewayEvent::Decides(view(0, 2, next_only))));
    }
}
