//! Rule 13, *three outcomes*: an update that is *certainly not done*, or was turned down, is
//! nowhere in the logs and records. Every value is written once, so a value tells its update.

use std::collections::BTreeSet;

use history::Outcome;
use history::users::rest::fields_of;
use history::users::{Input, Output};
use protocol::entry::Change;
use protocol::view::Member;

use super::check::{Check, End};
use crate::model::Model;
use crate::seen::Moment;
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Outcomes;

impl Check for Outcomes {
    fn rule(&self) -> Rule {
        Rule { check: "outcomes", says: "rule 13: what was not done never took effect" }
    }

    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        let written = names_written(model, end);
        for operation in end.history.operations() {
            let Some(name) = name_of(operation.input()) else { continue };
            if matches!(operation.outcome(), Outcome::NotDone) && written.contains(name) {
                let user = operation.input().id();
                let detail = format!(
                    "{} of {user} was certainly not done, and {name:?} was written",
                    operation.id()
                );
                return Err(Finding::safety(at, detail).of_user(user));
            }
            if let Outcome::Done(
                Output::AlreadyExists | Output::PreconditionFailed | Output::NotFound,
            ) = operation.outcome()
                && written.contains(name)
            {
                let user = operation.input().id();
                let detail = format!(
                    "{} of {user} was turned down, and {name:?} was written",
                    operation.id()
                );
                return Err(Finding::safety(at, detail).of_user(user));
            }
        }
        Ok(())
    }
}

/// The name written by an update, if it writes one.
fn name_of(input: &Input) -> Option<&str> {
    match input {
        Input::Create { fields, .. } => Some(&fields.name),
        Input::Change { patch, .. } => patch.name.as_deref(),
        Input::Read { .. } | Input::Delete { .. } => None,
    }
}

/// The names in all logs, as far as they are kept, and in all records.
fn names_written(model: &Model, end: &End) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for partition in model.partitions() {
        for member in [Member::Home, Member::Next] {
            let Some(copy) = end.copy(model, partition, member) else { continue };
            let logged = copy.log.iter().filter_map(|entry| match &entry.change {
                Change::Create { id, record } | Change::Replace { id, record } => {
                    Some((id, record))
                }
                Change::Delete { .. } => None,
            });
            let held = copy.records.iter().map(|(id, stored)| (id, &stored.record));
            let fields =
                logged.chain(held).filter_map(|(id, record)| fields_of(id.as_str(), record));
            names.extend(fields.map(|fields| fields.name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    fn create(name: &str) -> Input {
        let fields = fields(name);
        Input::Create { id: "user-1".to_owned(), fields }
    }

    #[test]
    fn an_effect_of_what_was_not_done_is_seen() {
        let scene = Scene::formed(Outcomes);
        let end = end_with("user-1", "ghost", &[(create("ghost"), Outcome::NotDone)]);
        assert!(Outcomes.finish(&scene.model, Moment::default(), &end).is_err());
    }

    #[test]
    fn an_effect_of_what_was_turned_down_is_seen() {
        let scene = Scene::formed(Outcomes);
        let exists = Outcome::Done(Output::AlreadyExists);
        let end = end_with("user-1", "ghost", &[(create("ghost"), exists)]);
        assert!(Outcomes.finish(&scene.model, Moment::default(), &end).is_err());
    }

    #[test]
    fn an_effect_of_unknown_outcome_is_fine() {
        let scene = Scene::formed(Outcomes);
        let end = end_with("user-1", "ada", &[(create("ada"), Outcome::Unknown)]);
        Outcomes.finish(&scene.model, Moment::default(), &end).unwrap();
    }
}
