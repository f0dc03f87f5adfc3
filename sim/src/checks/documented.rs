//! Every answer is a documented one. Clients send valid requests, so a client gets the success,
//! the fitting refusal, 503 with the time to try again, or 504. And a success can be
//! understood.

use history::Outcome;

use super::check::Check;
use crate::model::Model;
use crate::seen::{Answered, ClientDid, Moment, Seen};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Documented;

impl Check for Documented {
    fn rule(&self) -> Rule {
        Rule { check: "documented", says: "there are no answers but those that are documented" }
    }

    fn see(&mut self, _: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Client { did: ClientDid::Completed(answered), .. } = seen else { return Ok(()) };
        let Answered { outcome, status: Some(status), .. } = answered else { return Ok(()) };
        let is_unavailable = match status {
            503 => answered.has_retry_after,
            504 => true,
            _ => false,
        };
        let is_documented = match outcome {
            Outcome::Done(_) => !is_unavailable,
            Outcome::NotDone | Outcome::Unknown => is_unavailable,
        };
        if is_documented {
            return Ok(());
        }
        let detail = format!("an answer that is not documented: {answered:?}");
        Err(Finding::safety(at, detail).of_user(answered.input.id()))
    }
}

#[cfg(test)]
mod tests {
    use history::users::Input;

    use super::super::support::*;
    use super::*;

    #[test]
    fn an_answer_that_makes_no_sense_is_seen() {
        let mut scene = Scene::formed(Documented);
        let read = Input::Read { id: "user-1".to_owned() };
        // The made-up answer has status 200.
        scene.objects(completed(read, Outcome::NotDone, None));
    }
}
