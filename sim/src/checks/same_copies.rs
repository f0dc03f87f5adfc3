//! When everything is back, both copies of a partition are the same: the records, the table of
//! applied ids, and the log as far as both keep it. The nodes' own comparisons on the way must
//! find no difference either.

use std::collections::BTreeMap;

use protocol::message::Verdict;
use protocol::view::{InSync, Member};
use service::events::{Event, NodeFact};

use super::check::{Check, End};
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct SameCopies;

impl Check for SameCopies {
    fn rule(&self) -> Rule {
        Rule { check: "same-copies", says: "when all has come back, both copies are the same" }
    }

    fn see(&mut self, _: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::Inside(Event::Node {
                event: NodeFact::Compares { partition, verdict: Verdict::Different },
                node,
            }) => {
                let detail = format!("{node} finds that its copy of {partition} differs");
                Err(Finding::safety(at, detail).of(*partition))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        for partition in model.partitions() {
            let is_both = model
                .published
                .get(&partition)
                .is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }));
            let copy = |member| end.copy(model, partition, member).filter(|_| is_both);
            let (Some(home), Some(next)) = (copy(Member::Home), copy(Member::Next)) else {
                continue;
            };
            let of_next = next.log.iter().map(|entry| (entry.position.seq, entry));
            let of_next = of_next.collect::<BTreeMap<_, _>>();
            let differs = |entry: &&protocol::entry::Entry| {
                of_next.get(&entry.position.seq).is_some_and(|other| other != entry)
            };
            let difference = if home.records != next.records {
                "hold different records".to_owned()
            } else if home.applied != next.applied {
                format!("know different requests: {:?}, {:?}", home.applied, next.applied)
            } else if home.log.last() != next.log.last() {
                "end at different entries".to_owned()
            } else if let Some(entry) = home.log.iter().find(differs) {
                format!("have different entries at {}", entry.position)
            } else {
                continue;
            };
            let detail = format!("the copies of {partition} {difference}");
            return Err(Finding::safety(at, detail).of(partition));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn a_difference_that_a_node_finds_is_seen() {
        let mut scene = Scene::formed(SameCopies);
        let compared = |verdict| node(1, NodeFact::Compares { partition: P0, verdict });
        scene.play(compared(Verdict::Same));
        scene.objects(compared(Verdict::Different));
    }

    #[test]
    fn a_record_that_one_copy_has_not_is_seen() {
        let scene = Scene::formed(SameCopies);
        let mut end = end_with("user-1", "ada", &[]);
        SameCopies.finish(&scene.model, Moment::default(), &end).unwrap();
        for audit in end.audits.values_mut() {
            audit.as_mut().unwrap().home.records.clear();
        }
        assert!(SameCopies.finish(&scene.model, Moment::default(), &end).is_err());
    }

    #[test]
    fn a_request_that_one_copy_knows_alone_is_seen() {
        let scene = Scene::formed(SameCopies);
        let mut end = end_with("user-1", "ada", &[]);
        let of_home = &mut end.audits.get_mut(&0).unwrap().as_mut().unwrap().home;
        of_home.applied.push((request(1), position(1, 1).seq));
        assert!(SameCopies.finish(&scene.model, Moment::default(), &end).is_err());
    }
}
