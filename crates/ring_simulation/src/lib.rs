//! The core's own simulation: nodes, the controller and a router on a simulated bus with
//! simulated disks.
//!
//! A [`Plan`] is a schedule of operations, deliveries, delays, link losses, kills and power
//! losses, drawn by proptest or a fuzzer ([`plan`]). [`play`] plays it to the state machines.
//! `rules` checks every step, and the checker of `history` judges the clients' answers. After
//! the schedule the world is healed: everything must come back by itself, and the copies must be
//! identical.
//!
//! This package is for tests and fuzzing. No service depends on it.

#![allow(clippy::unwrap_used, reason = "a panic here is how a broken rule is told")]

mod client;
mod disk;
mod effects;
mod hosts;
mod network;
mod operator;
mod reads;
#[cfg(test)]
mod regressions;
mod rules;
mod schedule;
#[cfg(test)]
mod tests;
mod totals;
mod wires;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::schedule::{Plan, plan};
pub use crate::totals::Totals;

use crate::world::World;

/// Plays a schedule, heals the world, and judges it.
///
/// # Errors
///
/// The broken rule, with the log of the run.
pub fn play(plan: &Plan) -> Result<Totals, String> {
    let mut world = World::new(plan);
    let played = catch_unwind(AssertUnwindSafe(|| {
        for action in &plan.actions {
            world.play(action);
        }
        world.heal();
        world.judge();
    }));
    let Err(panic) = played else { return Ok(world.totals) };
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Err(format!("{}\n{}", text.unwrap_or_default(), world.log.join("\n")))
}
