//! The core's own simulation: nodes, the controller and a router on a simulated bus with
//! simulated disks.
//!
//! A [`Plan`] is a schedule of operations, deliveries, delays, link losses, kills and power
//! losses, drawn by proptest or a fuzzer ([`plan`]). [`play`] plays it to the state machines.
//! `rules` checks every step, and the checker of `history` judges the clients' answers. After
//! the schedule all faults end: everything must come back by itself, and the copies must be
//! identical.
//!
//! A panic here tells a broken rule. This package is for tests and fuzzing: no service depends on
//! it.

mod archive;
mod clients;
mod clock;
mod disk;
mod faults;
mod gateway;
mod machine;
mod machines;
mod network;
mod operator;
mod player;
mod promises;
mod reads;
#[cfg(test)]
mod regressions;
mod requests;
mod rot;
mod rules;
mod schedule;
mod simulation;
#[cfg(test)]
mod tests;
mod totals;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::schedule::{Plan, plan};
pub use crate::totals::Totals;

use crate::player::Player;
use crate::simulation::Simulation;

/// Plays a schedule, ends all faults, and judges the run.
///
/// # Errors
///
/// The broken rule, with the log of the run.
pub fn play(plan: &Plan) -> Result<Totals, String> {
    let mut simulation = Simulation::new(plan);
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut player = Player { simulation: &mut simulation, has_operator: plan.has_operator };
        for action in &plan.actions {
            player.play(action);
        }
        player.heal();
        player.judge();
    }));
    let Err(panic) = played else { return Ok(simulation.totals) };
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Err(format!("{}\n{}", text.unwrap_or_default(), simulation.log.join("\n")))
}
