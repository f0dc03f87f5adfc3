//! Roles, as told to clients: a read is answered by the reader of the view with the epoch in
//! the response, an update by its primary. And the answering node holds that copy.

use history::Outcome;
use history::users::Input;
use protocol::view::Member;

use super::check::Check;
use crate::model::{Model, has_primary, reader};
use crate::seen::{Answered, ClientDid, Moment, Seen, ServedBy};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Roles;

impl Check for Roles {
    fn rule(&self) -> Rule {
        Rule {
            check: "roles",
            says: "reads are answered by the replica or the primary of the epoch, updates by the primary",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Client { did: ClientDid::Completed(answered), .. } = seen else { return Ok(()) };
        let Answered { input, outcome: Outcome::Done(_), served_by, .. } = answered else {
            return Ok(());
        };
        match judge(model, input, served_by.as_ref()) {
            Ok(()) => Ok(()),
            Err(detail) => Err(Finding::safety(at, detail).of_user(input.id())),
        }
    }
}

fn judge(model: &Model, input: &Input, served_by: Option<&ServedBy>) -> Result<(), String> {
    let Some(ServedBy { node, member, epoch }) = served_by else {
        return Err("a response does not say who answered".to_owned());
    };
    let Ok(id) = input.id().parse() else { return Ok(()) };
    let partition = model.ring.partition_of(&id);
    let holder = model.ring.node_at(model.ring.holder(partition, *member));
    if node != holder {
        return Err(format!("{node} answers as {member} of {partition}, which is on {holder}"));
    }
    let Some(view) = model.views.get(&(partition, *epoch)) else {
        return Err(format!("{node} answers under epoch {epoch} of {partition}, which never was"));
    };
    let wanted = match input {
        Input::Read { .. } => reader(view.in_sync),
        _ => Member::Home,
    };
    if *member != wanted || (wanted == Member::Home && !has_primary(view.in_sync)) {
        return Err(format!("the {member} copy answers {input:?} in the view {view}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use history::users::Output;
    use protocol::id::Epoch;

    use super::super::support::*;
    use super::*;

    fn read(member: Member, epoch: u64) -> Seen {
        let ids = (0..100).map(|number| format!("user-{number}"));
        let mut of_p0 = ids.filter(|id| ring().partition_of(&id.parse().unwrap()) == P0);
        let node = id(usize::from(member == Member::Next));
        let served_by = ServedBy { node, member, epoch: Epoch(epoch) };
        let input = Input::Read { id: of_p0.next().unwrap() };
        completed(input, Outcome::Done(Output::NotFound), Some(served_by))
    }

    #[test]
    fn a_read_that_home_answered_in_the_view_both_is_seen() {
        let mut scene = Scene::formed(Roles);
        scene.play(read(Member::Next, 1));
        scene.objects(read(Member::Home, 1));
    }

    #[test]
    fn an_epoch_that_never_was_is_seen() {
        let mut scene = Scene::formed(Roles);
        scene.objects(read(Member::Next, 4));
    }
}
