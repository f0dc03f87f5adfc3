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

/// A letter of three bytes, to make names longer.
const LETTER: &str = "語";

/// The duration of a burst, in milliseconds.
const BURST_MS: u64 = 50;

pub(super) fn draw(random: &mut StdRng, swarm: &Swarm) -> Vec<PlannedOperation> {
    let count = random.random_range(320..=520);
    let mut times = (0..count).map(|_| time(random, swarm)).collect::<Vec<_>>();
    times.sort_unstable();
    let operations = times.into_iter().enumerate().map(|(number, at_ms)| PlannedOperation {
        at_ms,
        client: random.random_range(0..swarm.clients),
        input: input(random, swarm, number),
        if_match: random.random_ratio(1, 4),
    });
    operations.collect()
}

/// Draws the time of an operation: any time, or about the moment of a burst.
fn time(random: &mut StdRng, swarm: &Swarm) -> u64 {
    match swarm.bursts {
        None => random.random_range(0..swarm.safety_ms),
        Some(bursts) => {
            let (apart_ms, number) =
                (swarm.safety_ms / (bursts + 1), random.random_range(1..=bursts));
            number * apart_ms + random.random_range(0..BURST_MS)
        }
    }
}

/// Draws an operation. Every value is written only once, so an answer tells the update it has
/// seen.
fn input(random: &mut StdRng, swarm: &Swarm, number: usize) -> Input {
    let id = user(random, swarm);
    if random.random_range(0..100) < swarm.reads_percent {
        return Input::Read { id };
    }
    let name = format!("name {number}{}", LETTER.repeat(swarm.name_padding));
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
