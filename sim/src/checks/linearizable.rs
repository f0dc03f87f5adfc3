//! The history of each user is linearizable, and no etag stands for two contents. The checker
//! of `history` judges the answers of the REST interface.

use history::Budget;
use history::users::check_users;

use super::check::{Check, End};
use crate::model::Model;
use crate::seen::Moment;
use crate::violation::{Finding, Rule};

/// The budget of the checker for each user: far more than any user's history has needed. An
/// undecided history is a violation too.
const STEPS_PER_USER: u64 = 25_000_000;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Linearizable {
    steps: u64,
}

impl Check for Linearizable {
    fn rule(&self) -> Rule {
        Rule { check: "linearizable", says: "what clients see of each user is linearizable" }
    }

    fn finish(&mut self, _: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        let verdict = check_users(&end.history, Budget::steps(STEPS_PER_USER));
        self.steps = verdict.linearizability.steps;
        if let Some(reused) = &verdict.reused_etag {
            let detail = format!("an etag stands for two contents: {reused:?}");
            return Err(Finding::safety(at, detail).of_user(&reused.id));
        }
        match &verdict.linearizability.worst {
            Some((user, verdict)) if !verdict.is_linearizable() => {
                let detail = format!("{user}: {verdict}");
                Err(Finding::safety(at, detail).of_user(user))
            }
            _ => Ok(()),
        }
    }

    fn steps(&self) -> u64 {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use history::Outcome;
    use history::users::{Input, Output};

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_stale_read_is_seen() {
        let id = || "user-1".to_owned();
        let create = Input::Create { id: id(), fields: fields("ada") };
        let stale = (Input::Read { id: id() }, Outcome::Done(Output::NotFound));
        let history = [(create, Outcome::Done(Output::Created { etag: None })), stale];
        let end = end_with("user-1", "ada", &history);
        let scene = Scene::formed(Linearizable::default());
        let mut check = Linearizable::default();
        let finding = check.finish(&scene.model, Moment::default(), &end).unwrap_err();
        assert_eq!(finding.about.user.as_deref(), Some("user-1"));
    }
}
