//! The hints of the models keep their promises, and change no verdict.

use history::users::{Fields, Patch, Record, UserModel};
use history::{Budget, ClientId, Model, Outcome, Recorder, check, register, users};
use proptest::prelude::*;

use crate::choices::{Choices, choices};
use crate::stores::{
    RegisterStore, Shape, Store, UserStore, concurrent_history, with_outcomes_exchanged,
};

const SHAPE: Shape = Shape { clients: 4, operations: 20, unknown_percent: 25, not_done_percent: 5 };

/// A model with the default hints only.
struct WithoutHints<M>(M);

impl<M: Model> Model for WithoutHints<M> {
    type State = M::State;
    type Input = M::Input;
    type Output = M::Output;

    fn initial(&self) -> M::State {
        self.0.initial()
    }

    fn step(
        &self,
        state: &M::State,
        input: &M::Input,
        output: Option<&M::Output>,
    ) -> Option<M::State> {
        self.0.step(state, input, output)
    }
}

proptest! {
    #[test]
    fn the_hints_of_the_register_change_no_verdict(choices in choices(300)) {
        agrees_without_hints::<RegisterStore>(choices)?;
    }

    #[test]
    fn the_hints_of_users_change_no_verdict(choices in choices(400)) {
        agrees_without_hints::<UserStore>(choices)?;
    }
}

fn agrees_without_hints<S: Store>(mut choices: Choices) -> Result<(), TestCaseError> {
    let correct = concurrent_history::<S>(&mut choices, SHAPE);
    let spoilt = with_outcomes_exchanged(&mut choices, &correct);
    let operations = spoilt.operations();
    let with = check(&S::model(&spoilt), &operations, Budget::default());
    let without = check(&WithoutHints(S::model(&spoilt)), &operations, Budget::default());
    prop_assert_eq!(with.is_linearizable(), without.is_linearizable(), "{}", with);
    prop_assert_eq!(with.is_violation(), without.is_violation(), "{}", with);
    Ok(())
}

#[test]
fn the_hints_of_the_register_keep_their_promise() {
    let values = 0..3;
    let states = [None].into_iter().chain(values.clone().map(Some)).collect();
    let mut inputs = vec![register::Input::Read];
    let mut outputs =
        vec![register::Output::Set, register::Output::Different, register::Output::Value(None)];
    for from in values.clone() {
        inputs.push(register::Input::Write(from));
        outputs.push(register::Output::Value(Some(from)));
        for to in values.clone() {
            inputs.push(register::Input::CompareAndSet { from, to });
        }
    }
    assert_promises(&register::Register, states, inputs, outputs);
}

#[test]
fn the_hints_of_users_keep_their_promise_when_nothing_is_known_of_the_answers() {
    let texts = ["a", "b"];
    let etags = [Some("e1"), Some("e2"), None];
    let contents = pairs(&texts).into_iter().flat_map(|content| etags.map(|etag| (content, etag)));
    assert_users_promises(&UserModel::default(), &contents.collect::<Vec<_>>());
}

#[test]
fn the_hints_of_users_keep_their_promise_when_the_answers_are_known() {
    // "c" is in a request but never in an answer.
    let contents = [
        (("a", "a"), Some("e1")),
        (("a", "b"), Some("e2")),
        (("b", "a"), None),
        (("a", "a"), None),
    ];
    let recorder = Recorder::new(|| 0);
    for ((name, email), etag) in contents {
        let read = users::Input::Read { id: String::from(ID) };
        let found =
            users::Output::Found { fields: fields(name, email), etag: etag.map(String::from) };
        recorder.invoke(ClientId(1), read).complete(Outcome::Done(found));
    }
    assert_users_promises(&UserModel::for_history(&recorder.history()), &contents);
}

const ID: &str = "u1";

fn fields(name: &str, email: &str) -> Fields {
    Fields { name: name.to_owned(), email: email.to_owned(), group: 0 }
}

/// Checks the model's promises for every input, with answers that show one of `contents` (name,
/// email and etag).
fn assert_users_promises(model: &UserModel, contents: &[((&str, &str), Option<&str>)]) {
    let id = String::from(ID);
    let mut states = vec![None];
    let mut outputs = vec![
        users::Output::AlreadyExists,
        users::Output::NotFound,
        users::Output::PreconditionFailed,
        users::Output::Deleted,
    ];
    for ((name, email), etag) in contents {
        let (fields, etag) = (fields(name, email), etag.map(String::from));
        outputs.push(users::Output::Created { etag: etag.clone() });
        outputs.push(users::Output::Found { fields: fields.clone(), etag: etag.clone() });
        outputs.push(users::Output::Changed { fields: fields.clone(), etag: etag.clone() });
        let (name, email) = (Some(fields.name), Some(fields.email));
        states.push(Some(Record { name, email, group: Some(0), etag }));
    }
    let mut inputs = vec![users::Input::Read { id: id.clone() }];
    let texts = [None, Some("a"), Some("b"), Some("c")];
    let etags = [None, Some("e1"), Some("e2"), Some("e3")].map(|etag| etag.map(String::from));
    let etags = etags.into_iter().flat_map(|etag| [(etag.clone(), None), (None, etag)]);
    let listed = [(Some("e1, e2"), None), (None, Some("W/e2, e1")), (Some("*"), Some("e2"))];
    let listed = listed.map(|(first, second)| (first.map(String::from), second.map(String::from)));
    let conditions = etags.skip(1).chain(listed).collect::<Vec<_>>();
    for (if_match, if_none_match) in conditions.clone() {
        inputs.push(users::Input::Delete { id: id.clone(), if_match, if_none_match });
    }
    for (name, email) in pairs(&texts) {
        let patch =
            Patch { name: name.map(String::from), email: email.map(String::from), group: None };
        for (if_match, if_none_match) in conditions.clone() {
            let (id, patch) = (id.clone(), patch.clone());
            inputs.push(users::Input::Change { id, patch, if_match, if_none_match });
        }
        if let (Some(name), Some(email)) = (name, email) {
            inputs.push(users::Input::Create { id: id.clone(), fields: fields(name, email) });
        }
    }
    add_states_after_unknown_effects(model, &mut states, &inputs);
    assert_promises(model, states, inputs, outputs);
}

fn add_states_after_unknown_effects<M: Model>(
    model: &M,
    states: &mut Vec<M::State>,
    inputs: &[M::Input],
) {
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        for after in inputs.iter().filter_map(|input| model.step(&state, input, None)) {
            if !states.contains(&after) {
                states.push(after);
            }
        }
        next += 1;
    }
}

fn pairs<T: Clone>(values: &[T]) -> Vec<(T, T)> {
    let with_all =
        |first: &T| values.iter().map(|second| (first.clone(), second.clone())).collect();
    values.iter().flat_map(|first: &T| -> Vec<(T, T)> { with_all(first) }).collect()
}

/// Checks the promises of all hints, in every state and with every pair of operations.
fn assert_promises<M: Model>(
    model: &M,
    states: Vec<M::State>,
    inputs: Vec<M::Input>,
    outputs: Vec<M::Output>,
) {
    let mut without_effect = 0;
    let results = || outputs.iter().map(Some).chain([None]);
    for input in &inputs {
        for output in results().filter(|output| !model.has_effect(input, *output)) {
            without_effect += 1;
            for (later, result) in combinations(&inputs, &outputs) {
                let first = Answered { input, output };
                let later = Answered { input: later, output: result };
                assert_makes_nothing_possible(model, &states, &first, &later);
            }
        }
        for other in inputs.iter().filter(|other| model.are_alike(input, other)) {
            assert_alike(model, &states, input, other);
        }
    }
    assert!(without_effect > 0, "a hint that says nothing is no use");
}

fn combinations<'a, I, O>(
    inputs: &'a [I],
    outputs: &'a [O],
) -> impl Iterator<Item = (&'a I, Option<&'a O>)> {
    inputs
        .iter()
        .flat_map(|input| outputs.iter().map(Some).chain([None]).map(move |output| (input, output)))
}

/// An operation with its result; `None` if the result is unknown.
struct Answered<'a, M: Model> {
    input: &'a M::Input,
    output: Option<&'a M::Output>,
}

fn assert_makes_nothing_possible<M: Model>(
    model: &M,
    states: &[M::State],
    first: &Answered<'_, M>,
    later: &Answered<'_, M>,
) {
    for state in states {
        let Some(after) = model.step(state, first.input, first.output) else {
            continue;
        };
        let Answered { input, output } = *later;
        let is_new = model.step(&after, input, output).is_some()
            && model.step(state, input, output).is_none();
        let first = first.input;
        assert!(!is_new, "in {state:?}, {first:?} makes {input:?} -> {output:?} possible");
    }
}

fn assert_alike<M: Model>(model: &M, states: &[M::State], first: &M::Input, second: &M::Input) {
    for state in states {
        let (after_first, after_second) =
            (model.step(state, first, None), model.step(state, second, None));
        assert_eq!(after_first, after_second, "{first:?} and {second:?} differ in {state:?}");
    }
}
