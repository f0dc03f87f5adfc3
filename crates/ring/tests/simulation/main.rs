//! The core's own simulation: nodes, the controller and a router on a made-up bus with made-up disks.
//!
//! proptest draws a schedule of operations, deliveries, delays, link losses, kills and power losses; [`world`] plays it to
//! the state machines; [`rules`] watches every step, and the checker of `history` judges what clients saw. After the
//! schedule the world is [healed](world::World::heal): everything must come back by itself, and the copies be identical.
//!
//! `RING_CASES` says how many schedules to play (20,000 unless told).

#![allow(clippy::unwrap_used, reason = "these are tests throughout")]

mod client;
mod disk;
mod effects;
mod hosts;
mod network;
mod rules;
mod schedule;
mod totals;
mod wires;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::schedule::{Plan, plan};
use crate::totals::Totals;
use crate::world::World;

fn cases() -> u32 {
    std::env::var("RING_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

#[test]
fn every_rule_holds_and_every_history_is_linearizable_under_random_schedules() {
    let config = Config {
        cases: cases(),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut totals = Totals::default();
    let totals_cell = std::cell::RefCell::new(&mut totals);
    let outcome = TestRunner::new(config).run(&plan(), |plan: Plan| {
        let mut world = World::new(&plan);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for action in &plan.actions {
                world.play(action);
            }
            world.heal();
            world.judge();
        }));
        if let Err(panic) = played {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let log = world.log.join("\n");
            return Err(TestCaseError::fail(format!("{}\n{log}", text.unwrap_or_default())));
        }
        totals_cell.borrow_mut().add(&world.totals);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("after {} good schedules: {error}", totals.schedules);
    }
    println!("{totals:#?}");
    totals.assert_much_happened();
}
