//! Rule 7, *reads move after the view*: requests go to the copy named by the published view,
//! under its epoch, and nowhere else. Reads never fall back to home while the view is *both*.

use protocol::view::Member;
use service::events::{Event, GatewayFact};

use super::check::Check;
use crate::model::{Model, has_primary, reader};
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct ReadsMove;

impl Check for ReadsMove {
    fn rule(&self) -> Rule {
        Rule {
            check: "reads-move",
            says: "rule 7: requests go to whom the published view says, under its epoch",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Gateway {
            event: GatewayFact::Requests { node, partition, member, epoch, request, .. },
            ..
        }) = seen
        else {
            return Ok(());
        };
        let what = if request.is_some() { "an update" } else { "a read" };
        let object = |why: String| {
            let detail =
                format!("{what} of {partition} goes to {node} as {member} at epoch {epoch}: {why}");
            Err(Finding::safety(at, detail).of(*partition))
        };
        let Some(view) = model.published.get(partition) else {
            return object("no view is published".to_owned());
        };
        let (wanted, may_serve) = match request {
            None => (reader(view.in_sync), true),
            Some(_) => (Member::Home, has_primary(view.in_sync)),
        };
        let holder = model.ring.node_at(model.ring.holder(*partition, wanted));
        if *epoch != view.epoch || *member != wanted || node != holder || !may_serve {
            return object(format!("the view is {view}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn a_read_at_home_in_the_view_both_is_seen() {
        let mut scene = Scene::formed(ReadsMove);
        scene.play(requests(1, Member::Next, 1, None));
        scene.play(requests(2, Member::Home, 1, Some(request(1))));
        scene.objects(requests(3, Member::Home, 1, None));
    }

    #[test]
    fn a_request_of_an_epoch_that_is_over_is_seen() {
        let mut scene = Scene::formed(ReadsMove);
        scene.changes(home_only(0, 2));
        scene.play(requests(1, Member::Home, 2, None));
        scene.objects(requests(2, Member::Home, 1, Some(request(1))));
    }
}
