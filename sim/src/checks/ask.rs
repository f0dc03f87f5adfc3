//! Rule 6, *ask*: from the moment it asks, a donor commits nothing that the joiner has not made durable too; and the
//! view that the ask leads to finds the joiner level with all that is committed.

use process::events::{Event, GatewayEvent, NodeEvent};
use protocol::id::{PartitionId, Seq};
use protocol::view::{InSync, Member};

use super::Check;
use crate::model::Model;
use crate::report::Violation;
use crate::seen::{Moment, Seen};

const NAME: &str = "ask";

/// See the [module](self).
#[derive(Debug, Default)]
pub struct AskHolds;

impl Check for AskHolds {
    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        match seen {
            Seen::Inside(Event::Node { node, event: NodeEvent::Asks(ask) }) => {
                let Some(committed) = committed(model, ask.partition) else { return Ok(()) };
                let detail = || format!("{node} asks");
                joiner_has(model, at, ask.partition, committed, detail)
            }
            Seen::Inside(Event::Node { node, event: NodeEvent::Comes(progress) }) => {
                let copy = model.copy(progress.partition, Member::Home);
                if progress.member != Member::Home || copy.ask.is_none() {
                    return Ok(());
                }
                let before = committed(model, progress.partition);
                if before >= Some(progress.committed) {
                    return Ok(());
                }
                let detail = || format!("{node} commits while it asks");
                joiner_has(model, at, progress.partition, progress.committed, detail)
            }
            Seen::Inside(Event::Gateway { event: GatewayEvent::Publishes(view), .. }) => {
                let is_both = matches!(view.in_sync, InSync::Both { .. });
                match committed(model, view.partition).filter(|_| is_both) {
                    Some(committed) => {
                        joiner_has(model, at, view.partition, committed, || view.to_string())
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// What home has said that it has committed.
fn committed(model: &Model, partition: PartitionId) -> Option<Seq> {
    Some(model.copy(partition, Member::Home).progress?.committed)
}

fn joiner_has(
    model: &Model,
    at: Moment,
    partition: PartitionId,
    committed: Seq,
    what: impl Fn() -> String,
) -> Result<(), Violation> {
    let durable = model.copy(partition, Member::Next).entry.durable;
    if durable.seq >= committed {
        return Ok(());
    }
    let what = what();
    let detail =
        format!("{what}: home has committed up to {committed}, next has up to {durable} durable");
    Err(Violation::safety(NAME, at, detail).of(partition))
}

#[cfg(test)]
mod tests {
    use protocol::id::Epoch;
    use protocol::message::{Ask, AskNumber};

    use super::super::support::*;
    use super::*;

    fn asks() -> Seen {
        let (ask, epoch, joiner) = (AskNumber(1), Epoch(2), incarnation(1));
        node(0, NodeEvent::Asks(Ask { ask, partition: P0, epoch, joiner }))
    }

    fn alone() -> Scene<AskHolds> {
        let mut scene = Scene::formed(AskHolds);
        scene.changes(home_only(0, 2));
        scene.acts(0, Member::Home, home_only(0, 2));
        scene
    }

    #[test]
    fn an_ask_for_a_joiner_that_is_behind_is_seen() {
        let mut scene = alone();
        scene.applies(Member::Home, position(2, 1), 1);
        scene.play(comes(Member::Home, position(2, 1), 1, 1));
        scene.objects(asks());
    }

    #[test]
    fn a_commit_that_the_joiner_has_not_is_seen() {
        let mut scene = alone();
        scene.play(asks());
        scene.applies(Member::Home, position(2, 1), 1);
        scene.objects(comes(Member::Home, position(2, 1), 1, 1));
    }

    #[test]
    fn the_view_both_without_what_home_committed_is_seen() {
        let mut scene = alone();
        scene.applies(Member::Home, position(2, 1), 1);
        scene.play(comes(Member::Home, position(2, 1), 1, 1));
        scene.play(gateway(GatewayEvent::Decides(both(0, 3))));
        scene.objects(gateway(GatewayEvent::Publishes(both(0, 3))));
    }
}
