//! Histories of correct stores are accepted, whatever their clients do.

use history::{Budget, Verdict, check};
use proptest::prelude::*;

use crate::choices::{Choices, choices};
use crate::stores::{RegisterStore, Shape, Store, UserStore, concurrent_history};

const SHAPE: Shape = Shape { clients: 5, operations: 60, unknown_percent: 15, not_done_percent: 5 };

proptest! {
    #[test]
    fn histories_of_a_correct_register_are_accepted(choices in choices(600)) {
        accepts::<RegisterStore>(choices)?;
    }

    #[test]
    fn histories_of_a_correct_store_of_users_are_accepted(choices in choices(900)) {
        accepts::<UserStore>(choices)?;
    }
}

fn accepts<S: Store>(mut choices: Choices) -> Result<(), TestCaseError> {
    let history = concurrent_history::<S>(&mut choices, SHAPE);
    let model = S::model(&history);
    let verdict = check(&model, &history.operations(), Budget::default());
    prop_assert!(verdict.is_linearizable(), "{verdict}");
    explains(&model, &history, &verdict)
}

/// Checks the order in a verdict itself. Every output must agree with the model, and every
/// operation with an output must appear once. No operation may stand after another one that was
/// invoked after its completion.
fn explains<M: history::Model>(
    model: &M,
    history: &history::History<M::Input, M::Output>,
    verdict: &Verdict,
) -> Result<(), TestCaseError> {
    let Verdict::Linearizable { order, .. } = verdict else {
        return Ok(());
    };
    let operations = history.operations();
    let mut state = model.initial();
    let mut latest_invocation_ns = 0;
    for id in order {
        let mut matching = operations.iter().filter(|operation| operation.id() == *id);
        let operation = matching.next().unwrap();
        let outcome = operation.outcome();
        let output = outcome.output().copied();
        if let (Some(_), Some(completed_ns)) = (output, operation.completed_ns()) {
            prop_assert!(latest_invocation_ns < completed_ns);
        }
        latest_invocation_ns = latest_invocation_ns.max(operation.invoked_ns());
        let after = model.step(&state, operation.input(), output);
        prop_assert!(after.is_some(), "{id} contradicts {state:?}");
        state = after.unwrap();
    }
    for operation in &operations {
        let times = order.iter().filter(|id| **id == operation.id()).count();
        match operation.outcome() {
            history::Outcome::Done(_) => prop_assert_eq!(times, 1),
            history::Outcome::NotDone => prop_assert_eq!(times, 0),
            history::Outcome::Unknown => prop_assert!(times <= 1),
        }
    }
    Ok(())
}
