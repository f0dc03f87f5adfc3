//! Rule 4, *prefix*: a copy sends only its durable entries, so next's log is always a beginning
//! of home's durable log. A copy acknowledges only its durable entries. Entries follow each
//! other without gaps, and one place in the log holds one entry for ever.

use std::collections::BTreeMap;

use protocol::id::{Incarnation, PartitionId, Position, RequestId, Seq};
use protocol::view::Member;
use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::{CopyId, Model, named};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Prefix {
    /// The entry at each place of a log. Home never sent the entries that it loses with the
    /// power, so another entry may take such a place.
    entries: BTreeMap<(PartitionId, Seq), Held>,
}

#[derive(Debug)]
struct Held {
    position: Position,
    request: RequestId,
    /// Whether next has the entry. If so, it stays until next loses it with the power.
    is_at_next: bool,
    /// Home's data when the entry was applied.
    home: Option<Incarnation>,
}

impl Check for Prefix {
    fn rule(&self) -> Rule {
        Rule {
            check: "prefix",
            says: "rule 4: next holds a beginning of home's durable log, without gaps",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node { node, event }) = seen else { return Ok(()) };
        match event {
            NodeFact::Appends { to, view, last, .. } => {
                let durable = model.copy(view.partition, to.other()).entry.durable;
                if last.seq <= durable.seq {
                    return Ok(());
                }
                let detail = format!(
                    "{node} sends entry {last} of {}, and has up to {durable} durable",
                    view.partition
                );
                Err(Finding::safety(at, detail).of(view.partition))
            }
            NodeFact::Acknowledges { partition, member, seq, .. } => {
                let durable = model.copy(*partition, *member).entry.durable;
                if *seq <= durable.seq {
                    return Ok(());
                }
                let detail = format!(
                    "{node} says that entry {seq} of {partition} is durable at {member}, and has up to {durable} durable"
                );
                Err(Finding::safety(at, detail).of(*partition))
            }
            NodeFact::Applies { partition, member, position, request } => {
                let before = model.copy(*partition, *member).entry.handed;
                let objection = if position.seq != before.seq.next() {
                    Some(format!("after {before}"))
                } else if position.epoch < before.epoch {
                    Some(format!("of an older epoch than {before}"))
                } else {
                    let copy = CopyId { partition: *partition, member: *member };
                    self.hold(model, copy, *position, *request)
                };
                match objection {
                    None => Ok(()),
                    Some(objection) => {
                        let detail = format!(
                            "{node} applies entry {position} of {partition} as {member}, {objection}"
                        );
                        Err(Finding::safety(at, detail).of(*partition))
                    }
                }
            }
            NodeFact::Starts { next, .. } => {
                if let Some(place) = model.ring.place_of(node) {
                    let partition = model.ring.partition_at(place, Member::Next);
                    self.next_starts(partition, next.written.seq);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Prefix {
    /// Next has started, and has found its entries up to `last`.
    fn next_starts(&mut self, partition: PartitionId, last: Seq) {
        let lost = (partition, last.next())..=(partition, Seq(u64::MAX));
        self.entries.range_mut(lost).for_each(|(_, held)| held.is_at_next = false);
    }

    /// Remembers an entry; returns the objection to it, if there is one.
    fn hold(
        &mut self,
        model: &Model,
        copy: CopyId,
        position: Position,
        request: RequestId,
    ) -> Option<String> {
        let CopyId { partition, member } = copy;
        let home = model.holder(partition, Member::Home).incarnation;
        let is_at_next = member == Member::Next;
        // Home makes entries. Next receives them, and so does a home that is being restored.
        let view = model.copy(partition, member).view.handed;
        let is_named = view.is_some_and(|view| named(view.in_sync, member) == home);
        let receives = is_at_next || !is_named;
        let durable_at_source = model.copy(partition, member.other()).entry.durable;
        if receives && position.seq > durable_at_source.seq {
            return Some(format!("and {} has up to {durable_at_source} durable", member.other()));
        }
        let new = Held { position, request, is_at_next, home };
        match self.entries.get_mut(&(partition, position.seq)) {
            Some(held) if held.position == position && held.request == request => {
                held.is_at_next |= is_at_next;
                None
            }
            Some(held) if held.is_at_next || (receives && held.home == home) => Some(format!(
                "and entry {} of request {} is in that place",
                held.position, held.request
            )),
            _ => {
                self.entries.insert((partition, position.seq), new);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use service::events::FoundCopy;

    use super::super::support::*;
    use super::*;

    #[test]
    fn an_append_of_what_is_not_durable_is_seen() {
        let mut scene = Scene::formed(Prefix::default());
        scene.play(applies(Member::Home, position(1, 1), 1));
        let (previous, last) = (Position::default(), position(1, 1));
        scene.objects(node(
            0,
            NodeFact::Appends { to: Member::Next, view: both(0, 1), previous, last },
        ));
    }

    #[test]
    fn an_acknowledgement_of_what_is_not_durable_is_seen() {
        let mut scene = Scene::formed(Prefix::default());
        scene.applies(Member::Home, position(1, 1), 1);
        scene.play(applies(Member::Next, position(1, 1), 1));
        let (partition, member, is_whole) = (P0, Member::Next, true);
        let says = |seq| NodeFact::Acknowledges { partition, member, seq, is_whole };
        scene.play(node(1, says(Seq(0))));
        scene.objects(node(1, says(Seq(1))));
    }

    #[test]
    fn a_gap_is_seen() {
        let mut scene = Scene::formed(Prefix::default());
        scene.applies(Member::Home, position(1, 1), 1);
        scene.objects(applies(Member::Home, position(1, 3), 2));
    }

    #[test]
    fn another_entry_in_the_same_place_is_seen() {
        let mut scene = Scene::formed(Prefix::default());
        scene.applies(Member::Home, position(1, 1), 1);
        scene.objects(applies(Member::Next, position(1, 1), 2));
    }

    #[test]
    fn next_ahead_of_home_is_seen() {
        let mut scene = Scene::formed(Prefix::default());
        scene.play(applies(Member::Home, position(1, 1), 1));
        scene.objects(applies(Member::Next, position(1, 1), 1));
    }

    #[test]
    fn what_next_lost_with_the_power_and_home_with_its_disk_may_be_replaced() {
        let lost_by_both = |found_at_next: FoundCopy| {
            let mut scene = Scene::formed(Prefix::default());
            scene.applies(Member::Home, position(1, 1), 1);
            scene.play(applies(Member::Next, position(1, 1), 1));
            scene.play(starts(0, found(Some(both(0, 1)), Position::default()), nothing()));
            scene.play(starts(1, nothing(), found_at_next));
            scene
        };
        let mut scene = lost_by_both(found(Some(both(0, 1)), Position::default()));
        scene.play(applies(Member::Home, position(2, 1), 2));
        let mut scene = lost_by_both(found(Some(both(0, 1)), position(1, 1)));
        scene.objects(applies(Member::Home, position(2, 1), 2));
    }

    #[test]
    fn what_home_lost_with_the_power_before_it_sent_it_may_be_replaced() {
        let mut scene = Scene::formed(Prefix::default());
        scene.play(applies(Member::Home, position(1, 1), 1));
        scene.play(starts(0, found(Some(both(0, 1)), Position::default()), nothing()));
        scene.applies(Member::Home, position(1, 1), 2);
        scene.applies(Member::Next, position(1, 1), 2);
    }
}
