//! Rule 8: a copy says that it is whole only once this is durable. Its word lets it into a
//! view, and a view outlives a loss of power.

use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Whole;

impl Check for Whole {
    fn rule(&self) -> Rule {
        Rule {
            check: "whole",
            says: "rule 8: a copy says that it is whole only once that is durable",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node { node, event }) = seen else { return Ok(()) };
        let (partition, member) = match event {
            NodeFact::Comes(progress) if progress.condition.serves() => {
                (progress.partition, progress.member)
            }
            NodeFact::Acknowledges { partition, member, is_whole: true, .. } => {
                (*partition, *member)
            }
            _ => return Ok(()),
        };
        if model.copy(partition, member).is_whole_durably() {
            return Ok(());
        }
        let detail = format!(
            "{node} has all of the {member} copy of {partition}, it says, and of what is durable a part is missing"
        );
        Err(Finding::safety(at, detail).of(partition))
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::Seq;
    use protocol::view::Member;

    use super::super::support::*;
    use super::*;

    /// Next has received a whole snapshot, and has not synced its end. `after_the_beginning` may
    /// sync its beginning.
    fn installed(after_the_beginning: fn(&mut Scene<Whole>)) -> Scene<Whole> {
        let mut scene = Scene::formed(Whole);
        let (partition, member) = (P0, Member::Next);
        let base = position(0, 0);
        scene.play(node(1, NodeFact::BeginsInstall { partition, member, base }));
        after_the_beginning(&mut scene);
        scene.play(node(1, NodeFact::Installs { partition, member, is_complete: true }));
        scene.writes(1);
        scene
    }

    fn syncs(scene: &mut Scene<Whole>) {
        scene.writes(1);
        scene.syncs(1);
    }

    fn says_whole() -> Seen {
        let (partition, member, seq) = (P0, Member::Next, Seq::ZERO);
        node(1, NodeFact::Acknowledges { partition, member, seq, is_whole: true })
    }

    #[test]
    fn a_copy_that_is_whole_before_that_is_durable_is_seen() {
        for after_the_beginning in [syncs, |_: &mut Scene<Whole>| {}] {
            installed(after_the_beginning).objects(comes(Member::Next, position(0, 0), 0, 0));
            installed(after_the_beginning).objects(says_whole());
        }
    }

    #[test]
    fn a_copy_may_be_whole_once_that_is_durable() {
        let mut scene = installed(syncs);
        scene.syncs(1);
        scene.play(comes(Member::Next, position(0, 0), 0, 0));
        scene.play(says_whole());
    }
}
