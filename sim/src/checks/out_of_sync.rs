//! Rule 8, *out of sync never serves*: a copy that answers is named, with its data, by the view
//! it acts on, and this view was published. The copy is the reader of the view, or its primary
//! for updates.

use protocol::view::Member;
use service::events::{Event, NodeFact, ReplyKind};

use super::check::Check;
use crate::model::{Model, named, reader};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct OutOfSync;

impl Check for OutOfSync {
    fn rule(&self) -> Rule {
        Rule { check: "out-of-sync", says: "rule 8: a copy that is out of sync never serves" }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node {
            node,
            event: NodeFact::Replies { call, reply: ReplyKind::Done, .. },
        }) = seen
        else {
            return Ok(());
        };
        let (Some(called), Some(known)) = (model.call(node, *call), model.node(node)) else {
            return Ok(());
        };
        let object = |why: String| {
            let detail =
                format!("{node} answers for {} as {}: {why}", called.partition, called.member);
            Err(Finding::safety(at, detail).of(called.partition))
        };
        let Some(acting) = known.copy(called.member).acting else {
            return object("it has no view".to_owned());
        };
        let published = model.views.get(&(called.partition, acting.epoch));
        if published != Some(&acting) {
            return object(format!("its view was never published: {acting:?}"));
        }
        let named = named(acting.in_sync, called.member);
        if named.is_none() || named != known.incarnation {
            return object(format!("it is not in sync, or not with this data: {acting:?}"));
        }
        let may_serve = match called.request {
            None => reader(acting.in_sync) == called.member,
            Some(_) => called.member == Member::Home,
        };
        if may_serve { Ok(()) } else { object(format!("that is not its role: {acting}")) }
    }
}

#[cfg(test)]
mod tests {
    use protocol::view::InSync;

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_replica_that_was_dropped_and_answers_is_seen() {
        let mut scene = Scene::formed(OutOfSync);
        scene.play(requests(1, Member::Next, 1, None));
        scene.changes(home_only(0, 2));
        scene.acts(1, Member::Next, home_only(0, 2));
        scene.objects(replies(1, Member::Next, None));
    }

    #[test]
    fn home_that_answers_reads_in_the_view_both_is_seen() {
        let mut scene = Scene::formed(OutOfSync);
        scene.play(requests(1, Member::Home, 1, None));
        scene.objects(replies(1, Member::Home, None));
    }

    #[test]
    fn other_data_than_the_view_names_is_seen() {
        let mut scene = Scene::formed(OutOfSync);
        let of_others = view(0, 2, InSync::Both { home: incarnation(5), next: incarnation(1) });
        scene.changes(of_others);
        scene.acts(0, Member::Home, of_others);
        scene.play(requests(1, Member::Home, 2, Some(request(1))));
        scene.objects(replies(1, Member::Home, None));
    }
}
