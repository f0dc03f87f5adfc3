//! Rule 5, *shrink*: a view shrinks for a lost link only in favour of a member whose link is up; and home alone never
//! leaves the view but by the loss of its data.

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
        let keeper = match (before, view.in_sync) {
            (Some(InSync::Both { .. }), InSync::HomeOnly { .. }) => Member::Home,
            (Some(InSync::Both { home, .. }), InSync::NextOnly { .. }) => {
                if model.holder(view.partition, Member::Home).incarnation == Some(home) {
                    let detail = format!("home is dropped, though it has its data: {view}");
                    return Err(Violation::safety(NAME, at, detail).of(view.partition));
                }
                Member::Next
            }
            _ => return Ok(()),
        };
        let place = model.ring.holder(view.partition, keeper);
        if model.is_linked(*gateway, place) {
            return Ok(());
        }
        let node = model.ring.node_at(place);
        let detail = format!("shrunk in favour of {node}, which is not linked: {view}");
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
    fn a_home_that_is_dropped_with_its_data_is_seen() {
        let mut scene = Scene::formed(Shrink);
        let next_only = InSync::NextOnly { next: incarnation(1) };
        scene.objects(gateway(GatewayEvent::Decides(view(0, 2, next_only))));
    }
}
