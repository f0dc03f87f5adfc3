//! Histories of thousands of operations on one key are judged quickly. The tests limit the
//! number of steps, which is the same on every machine, and only print the times.

use std::time::Instant;

use history::{Budget, Event, History, Outcome, Verdict, check, register, users};

use crate::choices::Choices;
use crate::stores::{
    DistinctUserStore, HistoryOf, RegisterStore, Shape, Store, UserStore, concurrent_history,
};

const SHAPE: Shape =
    Shape { clients: 8, operations: 5_000, unknown_percent: 1, not_done_percent: 1 };

const SEEDS: u64 = 5;

#[test]
fn a_large_history_of_users_takes_few_steps() {
    let most = most_steps::<DistinctUserStore>("users", Expected::Linearizable, |good| good);
    assert!(most < 100_000, "{most}");
}

#[test]
fn a_large_history_of_users_with_few_values_takes_few_steps() {
    let most = most_steps::<UserStore>("users, few values", Expected::Linearizable, |good| good);
    assert!(most < 1_000_000, "{most}");
}

#[test]
fn a_large_history_of_a_register_takes_few_steps() {
    let most = most_steps::<RegisterStore>("register", Expected::Linearizable, |good| good);
    assert!(most < 100_000, "{most}");
}

#[test]
fn a_stale_read_in_a_large_history_of_users_is_found_in_few_steps() {
    let stale = with_a_stale_user;
    let most = most_steps::<DistinctUserStore>("users, stale", Expected::Violation, stale);
    assert!(most < 1_000_000, "{most}");
}

#[test]
fn a_wrong_value_in_a_large_history_of_a_register_is_found_in_few_steps() {
    let wrong = with_a_wrong_value;
    let most = most_steps::<RegisterStore>("register, wrong", Expected::Violation, wrong);
    assert!(most < 10_000_000, "{most}");
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Linearizable,
    Violation,
}

/// Judges the histories of some seeds. Returns the largest number of steps.
#[allow(clippy::disallowed_methods, reason = "measures the checker itself")]
fn most_steps<S: Store>(
    name: &str,
    expected: Expected,
    spoil: impl Fn(HistoryOf<S>) -> HistoryOf<S>,
) -> u64 {
    let mut most = 0;
    for seed in 0..SEEDS {
        let mut choices = Choices::from_seed(seed, 100_000);
        let history = spoil(concurrent_history::<S>(&mut choices, SHAPE));
        let start = Instant::now();
        let verdict = check(&S::model(&history), &history.operations(), Budget::default());
        println!("{name}, seed {seed}: {} steps, {:?}", verdict.steps(), start.elapsed());
        match (expected, &verdict) {
            (Expected::Linearizable, Verdict::Linearizable { .. })
            | (Expected::Violation, Verdict::Violation(_)) => {}
            _ => panic!("{name}, seed {seed}, expected {expected:?}: {verdict}"),
        }
        most = most.max(verdict.steps());
    }
    most
}

fn with_a_stale_user(history: HistoryOf<DistinctUserStore>) -> HistoryOf<DistinctUserStore> {
    let mut seen = Vec::new();
    let mut events = history.events().to_vec();
    for event in &mut events {
        if let Event::Completion { outcome, .. } = event
            && let Outcome::Done(users::Output::Found { .. }) = outcome
        {
            seen.push(outcome.clone());
            if seen.len() == 700 {
                *outcome = seen[600].clone();
                break;
            }
        }
    }
    assert_eq!(seen.len(), 700);
    History::from_events(events).unwrap()
}

fn with_a_wrong_value(history: HistoryOf<RegisterStore>) -> HistoryOf<RegisterStore> {
    let mut events = history.events().to_vec();
    let mut reads = 0;
    for event in &mut events {
        if let Event::Completion { outcome, .. } = event
            && let Outcome::Done(register::Output::Value(value)) = outcome
        {
            reads += 1;
            if reads == 1_500 {
                *value = Some(77);
            }
        }
    }
    assert!(reads >= 1_500);
    History::from_events(events).unwrap()
}
