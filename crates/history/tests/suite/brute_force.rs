//! The checker against one too simple to be wrong, on histories small enough for it.

use history::{Budget, HistoryOperation, Model, Outcome, Verdict, check};
use proptest::prelude::*;

use crate::choices::{Choices, choices};
use crate::stores::{
    RegisterStore, Shape, Store, UserStore, concurrent_history, with_outcomes_exchanged,
};

const SHAPE: Shape = Shape { clients: 4, operations: 8, unknown_percent: 35, not_done_percent: 5 };

/// The number of seeds in the tests that count verdicts.
const SEEDS: u64 = 2_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn small_register_histories_are_judged_as_by_trying_every_order(choices in choices(120)) {
        let (found, expected) = both_verdicts::<RegisterStore>(choices);
        prop_assert_eq!(found.is_linearizable(), expected, "{}", found);
    }

    #[test]
    fn small_user_histories_are_judged_as_by_trying_every_order(choices in choices(160)) {
        let (found, expected) = both_verdicts::<UserStore>(choices);
        prop_assert_eq!(found.is_linearizable(), expected, "{}", found);
    }
}

#[test]
fn both_verdicts_are_common_among_the_small_register_histories() {
    assert_both_common::<RegisterStore>();
}

#[test]
fn both_verdicts_are_common_among_the_small_user_histories() {
    assert_both_common::<UserStore>();
}

fn assert_both_common<S: Store>() {
    let mut good = 0;
    for seed in 0..SEEDS {
        let (found, expected) = both_verdicts::<S>(Choices::from_seed(seed, 200));
        assert_eq!(found.is_linearizable(), expected, "seed {seed}: {found}");
        good += u64::from(expected);
    }
    println!("{good} of {SEEDS} are linearizable");
    assert!(good > SEEDS / 5 && good < SEEDS * 4 / 5, "{good} of {SEEDS}");
}

/// The verdict of the checker on a spoilt history, and whether there is an order at all.
fn both_verdicts<S: Store>(mut choices: Choices) -> (Verdict, bool) {
    let correct = concurrent_history::<S>(&mut choices, SHAPE);
    let spoilt = with_outcomes_exchanged(&mut choices, &correct);
    let model = S::model(&spoilt);
    let operations = spoilt.operations();
    let found = check(&model, &operations, Budget::default());
    let remaining = operations.iter().collect();
    (found, some_order_agrees(&model, &model.initial(), remaining))
}

/// Tries every order in real time of the remaining operations, straight from the definition.
fn some_order_agrees<M: Model>(
    model: &M,
    state: &M::State,
    remaining: Vec<&HistoryOperation<'_, M::Input, M::Output>>,
) -> bool {
    let is_done = |operation: &HistoryOperation<'_, M::Input, M::Output>| {
        matches!(operation.outcome(), Outcome::Done(_))
    };
    let first_completed_ns = remaining
        .iter()
        .filter(|operation| is_done(operation))
        .filter_map(|operation| operation.completed_ns())
        .min();
    let Some(first_completed_ns) = first_completed_ns else {
        return true;
    };
    remaining.iter().enumerate().any(|(index, next)| {
        if next.invoked_ns() > first_completed_ns || matches!(next.outcome(), Outcome::NotDone) {
            return false;
        }
        let mut others = remaining.clone();
        others.remove(index);
        model
            .step(state, next.input(), next.outcome().output().copied())
            .is_some_and(|after| some_order_agrees(model, &after, others))
    })
}
