//! Rule 2, *fencing*: a copy answers under its own epoch only. A read is answered under exactly
//! the epoch it names. An update may be logged under that epoch and answered under a later one,
//! never under an older one. No epoch goes back.

use protocol::id::{Epoch, NodeId, PartitionId};
use protocol::view::{Member, View};
use service::events::{Event, NodeFact, ReplyKind};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Fencing;

impl Check for Fencing {
    fn rule(&self) -> Rule {
        Rule {
            check: "fencing",
            says: "rule 2: a copy serves its own epoch only, and no epoch goes back",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Node { node, event }) = seen else { return Ok(()) };
        let Some(known) = model.node(node) else { return Ok(()) };
        match event {
            NodeFact::Acts { member, view } => {
                let before = known.copy(*member).acting;
                goes_on(at, node, *member, before.as_ref(), Some(view))
            }
            NodeFact::Starts { incarnation, home, next, .. }
                if known.incarnation == Some(*incarnation) =>
            {
                let home_before = known.home.acting.as_ref();
                goes_on(at, node, Member::Home, home_before, home.view.as_ref())?;
                goes_on(at, node, Member::Next, known.next.acting.as_ref(), next.view.as_ref())
            }
            NodeFact::Replies { call, reply: ReplyKind::Done, .. } => {
                let Some(called) = model.call(node, *call) else {
                    let detail = format!("{node} answers call {}, which nobody made", call.0);
                    return Err(Finding::safety(at, detail));
                };
                let acting = known.copy(called.member).acting.map(|view| view.epoch);
                let serves = match called.request {
                    None => acting == Some(called.epoch),
                    Some(_) => acting >= Some(called.epoch),
                };
                if serves {
                    return Ok(());
                }
                let what = if called.request.is_some() { "an update" } else { "a read" };
                let detail = format!(
                    "{node} answers {what} of epoch {} for {} as {}, and acts on {}",
                    called.epoch,
                    called.partition,
                    called.member,
                    shown(acting),
                );
                Err(Finding::safety(at, detail).of(called.partition))
            }
            _ => Ok(()),
        }
    }
}

fn goes_on(
    at: Moment,
    node: &NodeId,
    member: Member,
    before: Option<&View>,
    after: Option<&View>,
) -> Result<(), Finding> {
    let epoch = |view: Option<&View>| view.map(|view| view.epoch);
    if epoch(before) <= epoch(after) {
        return Ok(());
    }
    let partition = before.map_or(PartitionId::default(), |view| view.partition);
    let (before, after) = (shown(epoch(before)), shown(epoch(after)));
    let detail = format!("the {member} copy of {node} goes back from {before} to {after}");
    Err(Finding::safety(at, detail).of(partition))
}

fn shown(epoch: Option<Epoch>) -> String {
    epoch.map_or("no view".to_owned(), |epoch| format!("epoch {epoch}"))
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;
    use protocol::id::Position;

    #[test]
    fn a_read_that_is_answered_under_another_epoch_is_seen() {
        let mut scene = Scene::formed(Fencing);
        scene.play(requests(1, Member::Next, 1, None));
        scene.play(replies(1, Member::Next, None));
        scene.play(requests(2, Member::Next, 1, None));
        scene.changes(home_only(0, 2));
        scene.acts(1, Member::Next, home_only(0, 2));
        scene.objects(replies(2, Member::Next, None));
    }

    #[test]
    fn an_update_of_an_epoch_that_is_to_come_is_seen() {
        let mut scene = Scene::formed(Fencing);
        scene.play(requests(1, Member::Home, 2, Some(request(1))));
        scene.objects(replies(1, Member::Home, None));
    }

    #[test]
    fn an_epoch_that_goes_back_over_a_restart_is_seen() {
        let mut scene = Scene::formed(Fencing);
        scene.changes(home_only(0, 2));
        scene.acts(0, Member::Home, home_only(0, 2));
        let stale = found(Some(both(0, 1)), Position::default());
        scene.objects(starts(0, stale, found(Some(both(2, 1)), Position::default())));
    }
}
