//! Random schedules. `RING_CASES` is their number (20,000 by default). `RING_SEED` is a number
//! that selects them.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::{Plan, Totals, plan, play};

fn from_environment(name: &str, or_else: u32) -> u32 {
    std::env::var(name).map_or(or_else, |text| text.parse().expect("a number"))
}

/// A runner that draws the same schedules for the same seed.
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
        totals.borrow_mut().add(&play(&plan).map_err(TestCaseError::fail)?);
        Ok(())
    });
    let totals = totals.into_inner();
    if let Err(error) = outcome {
        panic!("after {} good schedules: {error}", totals.schedules);
    }
    println!("{totals:#?}");
    totals.assert_much_happened();
}
