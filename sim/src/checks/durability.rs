//! Durability: every acknowledged update, or a later one of the same user, is in both copies
//! after a loss of power everywhere. To judge this, a last read of every user from each copy is
//! added to the history. The history must still be linearizable.

use std::collections::BTreeSet;

use db_process::store::audit::CopyAudit;
use history::users::rest::fields_of;
use history::users::{Input, Output, UserHistory, check_users};
use history::{Budget, ClientId, Event, History, OperationId, Outcome};

use super::check::{Check, End};
use crate::model::{CopyId, Model, copies_of};
use crate::seen::Moment;
use crate::violation::{Finding, Rule};

/// The budget of the checker for each user: far more than any user's history has needed.
const STEPS_PER_USER: u64 = 25_000_000;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Durability;

impl Check for Durability {
    fn rule(&self) -> Rule {
        Rule {
            check: "durability",
            says: "an acknowledged update is in both copies, also after a loss of power everywhere",
        }
    }

    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        if let Some((place, error)) =
            end.judged().find_map(|(place, audit)| Some((place, audit.as_ref().err()?)))
        {
            let detail = format!("what db-{place} holds cannot be read: {error}");
            return Err(Finding::safety(at, detail));
        }
        for copy in model.copies() {
            let held = end.in_sync(model, copy);
            if let Some(what) = held.and_then(|held| held.unreadable.as_ref()) {
                let CopyId { partition, member } = copy;
                let detail = format!("the {member} copy of {partition} is in sync: {what}");
                return Err(Finding::safety(at, detail).of(partition));
            }
        }
        let with_reads = with_last_reads(model, end);
        let verdict = check_users(&with_reads, Budget::steps(STEPS_PER_USER));
        match &verdict.linearizability.worst {
            Some((user, verdict)) if !verdict.is_linearizable() => {
                let detail = format!("with what the copies hold at the end, {user}: {verdict}");
                Err(Finding::safety(at, detail).of_user(user))
            }
            _ => Ok(()),
        }
    }
}

/// The history, followed by a read of every user from each copy in sync.
fn with_last_reads(model: &Model, end: &End) -> UserHistory {
    let mut events = end.history.events().to_vec();
    let time_ns = events.last().map_or(0, Event::time_ns);
    let mut operation = end.history.operations().len() as u64;
    let users = end
        .history
        .operations()
        .iter()
        .map(|operation| operation.input().id().to_owned())
        .collect::<BTreeSet<_>>();
    for user in users {
        let Ok(id) = user.parse() else { continue };
        for copy in copies_of(model.ring.partition_of(&id)) {
            let Some(copy) = end.in_sync(model, copy) else { continue };
            let (client, operation_id) = (ClientId(u64::MAX), OperationId(operation));
            let input = Input::Read { id: user.clone() };
            let outcome = Outcome::Done(held(copy, &id));
            operation += 1;
            events.push(Event::Invocation { client, operation: operation_id, time_ns, input });
            events.push(Event::Completion { operation: operation_id, time_ns, outcome });
        }
    }
    History::from_events(events)
        .unwrap_or_else(|error| unreachable!("reads were added at its end: {error}"))
}

fn held(copy: &CopyAudit, id: &protocol::user::UserId) -> Output {
    let found = copy.records.get(id).and_then(|stored| {
        let fields = fields_of(id.as_str(), &stored.record)?;
        Some(Output::Found { fields, etag: Some(format!("\"{}\"", stored.position)) })
    });
    found.unwrap_or(Output::NotFound)
}

#[cfg(test)]
mod tests {
    use protocol::view::Member;

    use super::super::support::*;
    use super::*;
    use crate::plan::swarm::Core;

    fn created(name: &str) -> (Input, Outcome<Output>) {
        let input = Input::Create { id: "user-1".to_owned(), fields: fields(name) };
        (input, Outcome::Done(Output::Created { etag: None }))
    }

    #[test]
    fn an_acknowledged_update_that_a_copy_has_not_is_seen() {
        let scene = Scene::formed(Durability);
        let mut end = end_with("user-1", "ada", &[created("ada")]);
        Durability.finish(&scene.model, Moment::default(), &end).unwrap();
        let user = "user-1".parse().unwrap();
        let partition = scene.model.ring.partition_of(&user);
        let place = scene.model.ring.holder(partition, Member::Next).index();
        end.audits.get_mut(&place).unwrap().as_mut().unwrap().next.records.clear();
        let finding = Durability.finish(&scene.model, Moment::default(), &end).unwrap_err();
        assert_eq!(finding.about.user.as_deref(), Some("user-1"));
    }

    #[test]
    fn a_damaged_row_is_seen_in_a_copy_that_is_in_sync() {
        let mut scene = Scene::formed(Durability);
        let mut end = end_with("user-1", "ada", &[created("ada")]);
        let next = scene.model.ring.holder(P0, Member::Next).index();
        let audit = end.audits.get_mut(&next).unwrap().as_mut().unwrap();
        audit.next.unreadable = Some("a record".to_owned());
        assert!(Durability.finish(&scene.model, Moment::default(), &end).is_err());
        // A copy out of sync may be damaged: nobody could restore it.
        scene.changes(home_only(0, 2));
        assert!(Durability.finish(&scene.model, Moment::default(), &end).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_seen_but_on_a_node_that_was_left_broken() {
        let scene = Scene::formed(Durability);
        let mut end = end_with("user-1", "ada", &[created("ada")]);
        let damaged = db_process::store::StoreError::Inconsistent("a gap".to_owned());
        end.audits.insert(0, Err(damaged));
        assert!(Durability.finish(&scene.model, Moment::default(), &end).is_err());
        end.core = Some(Core::AllBut { node: 0 });
        assert!(Durability.finish(&scene.model, Moment::default(), &end).is_ok());
        end.core = Some(Core::AllBut { node: 1 });
        assert!(Durability.finish(&scene.model, Moment::default(), &end).is_err());
    }
}
