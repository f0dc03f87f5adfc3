//! The workload: the operations of clients, and their times.

use history::users::{Fields, Input, Patch};
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::swarm::{Swarm, pick};

/// An operation of a client. It begins at its time, or after the client's operation before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedOperation {
    /// The time of its beginning, in milliseconds.
    pub at_ms: u64,
    /// The number of the client.
    pub client: usize,
    /// The operation, without a precondition.
    pub input: Input,
    /// Whether it has a precondition on the etag that the client saw last of that user. Most
    /// preconditions are `If-Match`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_match: bool,
}

pub(super) fn draw(random: &mut StdRng, swarm: &Swarm) -> Vec<PlannedOperation> {
    let count = random.random_range(320..=520);
    let mut times = (0..count).map(|_| random.random_range(0..swarm.safety_ms)).collect::<Vec<_>>();
    times.sort_unstable();
    let operations = times.into_iter().enumerate().map(|(number, at_ms)| PlannedOperation {
        at_ms,
        client: random.random_range(0..swarm.clients),
        input: input(random, swarm, number),
        if_match: random.random_ratio(1, 4),
    });
    operations.collect()
}

/// Draws an operation. Every value is written only once, so an answer tells the update it has
/// seen.
fn input(random: &mut StdRng, swarm: &Swarm, number: usize) -> Input {
    let id = user(random, swarm);
    if random.random_range(0..100) < swarm.reads_percent {
        return Input::Read { id };
    }
    let name = format!("name {number}");
    let email = format!("{id}.{number}@example.org");
    let group = u32::try_from(number).unwrap_or_else(|_| unreachable!("there are few"));
    match random.random_range(0..10) {
        0..=3 => Input::Create { id, fields: Fields { name, email, group } },
        4..=7 => {
            let patches = [(true, true, true), (true, false, false), (true, false, true)];
            let (with_name, with_email, with_group) = pick(random, &patches);
            let patch = Patch {
                name: with_name.then_some(name),
                email: with_email.then_some(email),
                group: with_group.then_some(group),
            };
            Input::Change { id, patch, if_match: None, if_none_match: None }
        }
        _ => Input::Delete { id, if_match: None, if_none_match: None },
    }
}

/// Draws the id of a user.
pub(super) fn user(random: &mut StdRng, swarm: &Swarm) -> String {
    let place = random.random::<f64>().powf(swarm.skew);
    // The product is at least 0 and less than a hundred.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let number = (place * swarm.users as f64) as usize;
    format!("user-{number}")
}
