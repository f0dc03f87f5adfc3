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
