//! Rule 3, *release*: an answer with a record, or about a done update, is released only when
//! its entry is durable on every copy in sync. Durable means synced by the storage, not
//! believed by a copy.

use protocol::view::Member;
use service::events::{Event, NodeFact, ReplyKind};

use super::check::Check;
use crate::model::{Model, named};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Release;

impl Check for Release {
    fn rule(&self) -> Rule {
        Rule {
            check: "release",
            says: "rule 3: what an answer shows is durable on every copy in sync",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node { node, event }) = seen else { return Ok(()) };
        let NodeFact::Replies { call, reply: ReplyKind::Done, position: Some(shown) } = event
        else {
            return Ok(());
        };
        let Some(called) = model.call(node, *call) else { return Ok(()) };
        let copy = model.copy(called.partition, called.member);
        let Some(view) = copy.acting else { return Ok(()) };
        for member in [Member::Home, Member::Next] {
            // A copy that has lost its disk since, or cannot be read, is not judged by its
            // durable entries.
            let named = named(view.in_sync, member);
            let copy = model.copy(called.partition, member);
            let is_in_sync = named.is_some()
                && named == model.holder(called.partition, member).incarnation
                && !copy.snapshot.handed.is_part;
            let durable = copy.entry.durable;
            if is_in_sync && durable.seq < shown.seq {
                let detail = format!(
                    "{node} answers as {} with entry {shown}, and the {member} copy has up to {durable} durable ({view})",
                    called.member,
                );
                return Err(Finding::safety(at, detail).of(called.partition));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn an_acknowledgement_before_next_has_it_durable_is_seen() {
        let mut scene = Scene::formed(Release);
        scene.play(requests(1, Member::Home, 1, Some(request(1))));
        scene.applies(Member::Home, position(1, 1), 1);
        scene.play(applies(Member::Next, position(1, 1), 1));
        scene.objects(replies(1, Member::Home, Some(position(1, 1))));
    }

    #[test]
    fn what_is_durable_on_both_may_be_told() {
        let mut scene = Scene::formed(Release);
        scene.play(requests(1, Member::Home, 1, Some(request(1))));
        scene.applies(Member::Home, position(1, 1), 1);
        scene.applies(Member::Next, position(1, 1), 1);
        scene.play(replies(1, Member::Home, Some(position(1, 1))));
    }

    #[test]
    fn home_alone_waits_for_itself() {
        let mut scene = Scene::formed(Release);
        scene.changes(home_only(0, 2));
        scene.acts(0, Member::Home, home_only(0, 2));
        scene.play(requests(1, Member::Home, 2, Some(request(1))));
        scene.play(applies(Member::Home, position(2, 1), 1));
        scene.objects(replies(1, Member::Home, Some(position(2, 1))));
    }
}
