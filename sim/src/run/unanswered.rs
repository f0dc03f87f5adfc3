//! The operations beyond the plan without an answer.

use std::collections::BTreeMap;

use history::users::Input;

use crate::plan::new_users::NewUsers;
use crate::seen::{ClientDid, Seen};

/// The number of operations without an answer, by purpose and client.
#[derive(Debug, Default)]
pub(super) struct Unanswered(BTreeMap<(NewUsers, usize), u32>);

impl Unanswered {
    /// A client is asked for an operation.
    pub(super) fn add(&mut self, client: usize, input: &Input) {
        if let Some(users) = NewUsers::of(input) {
            *self.0.entry((users, client)).or_default() += 1;
        }
    }

    /// Whether a client has answered all operations of a purpose.
    pub(super) fn is_idle(&self, users: NewUsers, client: usize) -> bool {
        !self.0.contains_key(&(users, client))
    }

    /// Whether all clients have.
    pub(super) fn are_all_idle(&self, users: NewUsers) -> bool {
        self.0.keys().all(|(waiting, _)| *waiting != users)
    }

    /// Follows an event.
    pub(super) fn follow(&mut self, seen: &Seen) {
        let Seen::Client { client, did: ClientDid::Completed(answered), .. } = seen else { return };
        let (Some(users), Ok(client)) = (NewUsers::of(&answered.input), usize::try_from(client.0))
        else {
            return;
        };
        let is_last = self.0.get_mut(&(users, client)).is_some_and(|open| {
            *open -= 1;
            *open == 0
        });
        if is_last {
            self.0.remove(&(users, client));
        }
    }
}

#[cfg(test)]
mod tests {
    use history::Outcome;

    use super::*;
    use crate::checks::support::completed;

    #[test]
    fn a_client_is_idle_once_all_its_operations_of_a_purpose_are_answered() {
        let read = |id: &str| Input::Read { id: id.to_owned() };
        let mut unanswered = Unanswered::default();
        for id in ["fresh-1", "fresh-2", "load-1", "user-1"] {
            unanswered.add(0, &read(id));
        }
        let answer = |unanswered: &mut Unanswered, id| {
            unanswered.follow(&completed(read(id), Outcome::NotDone, None));
        };
        answer(&mut unanswered, "fresh-1");
        answer(&mut unanswered, "user-1");
        assert!(!unanswered.is_idle(NewUsers::Fresh, 0));
        answer(&mut unanswered, "fresh-2");
        assert!(unanswered.is_idle(NewUsers::Fresh, 0) && unanswered.are_all_idle(NewUsers::Fresh));
        assert!(!unanswered.are_all_idle(NewUsers::Loaded));
        assert!(unanswered.is_idle(NewUsers::Loaded, 1));
    }
}
