//! The core's own simulation: nodes, the controller and a router on a made-up bus with made-up disks.
//!
//! proptest draws a schedule of operations, deliveries, delays, link losses, kills and power losses; [`world`] plays it to
//! the state machines; [`rules`] watches every step, and the checker of `history` judges what clients saw. After the
//! schedule the world is [healed](world::World::heal): everything must come back by itself, and the copies be identical.
//!
//! `RING_CASES` says how many schedules to play (20,000 unless told), `RING_SEED` which ones: a number.

#![allow(clippy::unwrap_used, reason = "these are tests throughout")]

mod client;
mod disk;
mod effects;
mod hosts;
mod network;
mod regressions;
mod rules;
mod schedule;
mod totals;
mod wires;
mod world;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::schedule::{Plan, plan};
use crate::totals::Totals;
use crate::world::World;

fn from_environment(name: &str, or_else: u32) -> u32 {
    std::env::var(name).map_or(or_else, |text| text.parse().expect("a number"))
}

/// The same schedules for the same seed.
fn runner() -> TestRunner {
    let config = Config {
        cases: from_environment("RING_CASES", 20_000),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&from_environment("RING_SEED", 0).to_be_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[test]
fn every_rule_holds_and_every_history_is_linearizable_under_random_schedules() {
    let totals = RefCell::new(Totals::default());
    let outcome = runner().run(&plan(), |plan: Plan| {
        totals.borrow_mut().add(&play(&plan)?);
        Ok(())
    });
    let totals = totals.into_inner();
    if let Err(error) = outcome {
        panic!("after {} good schedules: {error}", totals.schedules);
    }
    println!("{totals:#?}");
    totals.assert_much_happened();
}

/// Plays a schedule, heals the world, and judges it; what went wrong comes with the log of the run.
fn play(plan: &Plan) -> Result<Totals, TestCaseError> {
    let mut world = World::new(plan);
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for action in &plan.actions {
            world.play(action);
        }
        world.heal();
        world.judge();
    }));
    let Err(panic) = played else { return Ok(world.totals) };
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let log = world.log.join("\n");
    Err(TestCaseError::fail(format!("{}\n{log}", text.unwrap_or_default())))
}
