//! Rule 6, *ask*: from the moment it asks, a donor commits nothing that its joiner has not made
//! durable too. And when a view *both* is published, decided on an ask or rebuilt, each copy is
//! level with all entries committed at the other one.

use protocol::id::{PartitionId, Seq};
use protocol::message::Ask;
use protocol::view::Member;
use service::events::{Event, GatewayFact, NodeFact};

use super::check::Check;
use crate::model::{CopyId, Model, named, sole};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct AskHolds;

impl Check for AskHolds {
    fn rule(&self) -> Rule {
        Rule {
            check: "ask",
            says: "rule 6: a donor that asks commits nothing that the joiner has not made durable",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::Inside(Event::Node { node, event: NodeFact::Asks(ask) }) => {
                let place = model.ring.place_of(node);
                let is_home = Some(model.ring.holder(ask.partition, Member::Home)) == place;
                let donor = if is_home { Member::Home } else { Member::Next };
                if will_be_refused(model, ask) {
                    return Ok(());
                }
                let detail = || format!("{node} asks");
                joiner_has(
                    model,
                    at,
                    CopyId { partition: ask.partition, member: donor },
                    committed(model, ask.partition, donor),
                    detail,
                )
            }
            Seen::Inside(Event::Node { node, event: NodeFact::Comes(progress) }) => {
                let (partition, donor) = (progress.partition, progress.member);
                let before = committed(model, partition, donor);
                let commits = before < Some(progress.committed);
                let Some(ask) = model.copy(partition, donor).ask else { return Ok(()) };
                if !commits || will_be_refused(model, &ask) {
                    return Ok(());
                }
                let detail = || format!("{node} commits while it asks");
                joiner_has(
                    model,
                    at,
                    CopyId { partition, member: donor },
                    Some(progress.committed),
                    detail,
                )
            }
            Seen::Inside(Event::Gateway { event: GatewayFact::Publishes(view), .. }) => {
                if sole(view.in_sync).is_some() {
                    return Ok(());
                }
                // A copy that has lost its data since the ask is about to be dropped. So is a
                // damaged copy under a rebuilt view. No ask is granted for either.
                let is_rebuilt = !model.published.contains_key(&view.partition);
                let counts = |member: &Member| {
                    let holder = model.holder(view.partition, *member);
                    let has_its_data = holder.incarnation == named(view.in_sync, *member);
                    has_its_data && !(is_rebuilt && holder.copy(*member).is_damaged)
                };
                for copy in Member::ALL.into_iter().filter(counts) {
                    let other = copy.other();
                    let committed = committed(model, view.partition, other);
                    let donor = CopyId { partition: view.partition, member: other };
                    joiner_has(model, at, donor, committed, || view.to_string())?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether the controller refuses an ask: its joiner has lost its data, or was damaged, since
/// it was level. The controller hears of this first, the donor may hear of it last.
fn will_be_refused(model: &Model, ask: &Ask) -> bool {
    let member_of = |member| model.holder(ask.partition, member).incarnation == Some(ask.joiner);
    let joiner = [Member::Home, Member::Next].into_iter().find(|member| member_of(*member));
    joiner.is_none_or(|joiner| model.copy(ask.partition, joiner).is_damaged)
}

/// The committed position told last by a donor.
fn committed(model: &Model, partition: PartitionId, donor: Member) -> Option<Seq> {
    Some(model.copy(partition, donor).progress?.committed)
}

fn joiner_has(
    model: &Model,
    at: Moment,
    donor: CopyId,
    committed: Option<Seq>,
    what: impl Fn() -> String,
) -> Result<(), Finding> {
    let committed = committed.unwrap_or(Seq::ZERO);
    let CopyId { partition, member: donor } = donor;
    let joiner = donor.other();
    let copy = model.copy(partition, joiner);
    let durable = copy.entry.durable;
    let is_whole = copy.is_whole_durably();
    if durable.seq >= committed && is_whole {
        return Ok(());
    }
    let (what, whole) = (what(), if is_whole { "" } else { "and is not whole" });
    let detail = format!(
        "{what}: {donor} has committed up to {committed}, {joiner} has up to {durable} durable {whole}"
    );
    Err(Finding::safety(at, detail).of(partition))
}

#[cfg(test)]
mod tests {
    use protocol::id::Epoch;
    use protocol::message::{AskNumber, Condition};
    use service::events::FoundCopy;

    use super::super::support::*;
    use super::*;

    fn asks() -> Seen {
        let (ask, epoch, joiner) = (AskNumber(1), Epoch(2), incarnation(1));
        node(0, NodeFact::Asks(Ask { ask, partition: P0, epoch, joiner }))
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
    fn an_ask_for_a_joiner_that_was_found_damaged_is_left_to_the_controller() {
        let mut scene = alone();
        scene.applies(Member::Home, position(2, 1), 1);
        scene.play(comes(Member::Home, position(2, 1), 1, 1));
        scene.play(starts(1, nothing(), FoundCopy { condition: Condition::Partial, ..nothing() }));
        scene.play(asks());
        scene.objects(gateway(GatewayFact::Publishes(both(0, 3))));
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
        scene.play(gateway(GatewayFact::Decides(both(0, 3))));
        scene.objects(gateway(GatewayFact::Publishes(both(0, 3))));
    }

    #[test]
    fn a_view_both_that_is_rebuilt_without_what_home_committed_is_seen() {
        let mut scene = alone();
        scene.applies(Member::Home, position(2, 1), 1);
        scene.play(comes(Member::Home, position(2, 1), 1, 1));
        scene.play(gateway(GatewayFact::Forgets { partition: P0 }));
        scene.play(gateway(GatewayFact::Decides(both(0, 4))));
        scene.objects(gateway(GatewayFact::Publishes(both(0, 4))));
    }

    #[test]
    fn a_view_both_may_be_rebuilt_with_a_copy_that_is_to_be_dropped_for_damage() {
        let mut scene = Scene::formed(AskHolds);
        scene.applies(Member::Home, position(1, 1), 1);
        scene.applies(Member::Next, position(1, 1), 1);
        scene.play(comes(Member::Next, position(1, 1), 1, 1));
        scene.play(starts(0, FoundCopy { condition: Condition::Partial, ..nothing() }, nothing()));
        scene.play(gateway(GatewayFact::Forgets { partition: P0 }));
        scene.play(gateway(GatewayFact::Publishes(both(0, 2))));
    }
}
