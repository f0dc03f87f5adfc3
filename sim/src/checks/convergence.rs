//! Convergence: fresh operations succeed once the faults have ended and everything is back. The
//! run itself waits until everything is back, for a bounded simulated time.

use history::Outcome;

use super::check::Check;
use crate::model::Model;
use crate::plan::new_users::NewUsers;
use crate::seen::{ClientDid, Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Convergence;

impl Check for Convergence {
    fn rule(&self) -> Rule {
        Rule {
            check: "convergence",
            says: "when the faults have ended, all that can be served comes back by itself",
        }
    }

    fn see(&mut self, _: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Client { did: ClientDid::Completed(answered), .. } = seen else { return Ok(()) };
        let is_fresh = NewUsers::of(&answered.input) == Some(NewUsers::Fresh);
        if !is_fresh || matches!(answered.outcome, Outcome::Done(_)) {
            return Ok(());
        }
        let detail = format!("all was back, and yet: {answered:?}");
        Err(Finding::liveness(at, detail).of_user(answered.input.id()))
    }
}

#[cfg(test)]
mod tests {
    use history::users::Input;

    use super::super::support::*;
    use super::*;

    #[test]
    fn a_fresh_operation_that_fails_is_seen() {
        let mut scene = Scene::formed(Convergence);
        let read = |id: &str| Input::Read { id: id.to_owned() };
        scene.play(completed(read("user-1"), Outcome::NotDone, None));
        scene.objects(completed(read("fresh-1"), Outcome::NotDone, None));
    }
}
