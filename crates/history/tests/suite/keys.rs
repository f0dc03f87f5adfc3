//! A history of many keys is judged key by key.

use history::users::{Fields, Input, Output, check_users};
use history::{Budget, ClientId, Outcome, Recorder, Verdict};

fn create(recorder: &Recorder<Input, Output>, id: &str, outcome: Outcome<Output>) {
    let fields =
        Fields { name: String::from("ann"), email: String::from("ann@example.org"), group: 1 };
    let id = id.to_owned();
    let pending = recorder.invoke(ClientId(1), Input::Create { id, fields });
    pending.complete(outcome);
}

fn read_nothing(recorder: &Recorder<Input, Output>, id: &str) {
    let pending = recorder.invoke(ClientId(2), Input::Read { id: id.to_owned() });
    pending.complete(Outcome::Done(Output::NotFound));
}

const CREATED: Outcome<Output> = Outcome::Done(Output::Created { etag: None });

#[test]
fn a_history_without_operations_has_no_worst_key() {
    let verdict = check_users(&Recorder::new(|| 0).history(), Budget::default());
    assert!(verdict.is_good());
    assert_eq!(verdict.linearizability.worst, None);
}

#[test]
fn every_operation_is_counted_once_by_its_outcome() {
    let recorder = Recorder::new(|| 0);
    create(&recorder, "u1", CREATED);
    create(&recorder, "u2", Outcome::Unknown);
    create(&recorder, "u3", Outcome::NotDone);
    read_nothing(&recorder, "u2");
    let verdict = check_users(&recorder.history(), Budget::default()).linearizability;
    assert!(verdict.is_linearizable());
    assert_eq!((verdict.keys, verdict.operations), (3, 4));
    assert_eq!((verdict.done, verdict.not_done, verdict.unknown), (2, 1, 1));
    assert_eq!(verdict.definite(), 3);
    assert_eq!(verdict.steps, 2);
}

#[test]
fn the_worst_key_is_named_and_a_violation_is_worse_than_not_knowing() {
    let recorder = Recorder::new(|| 0);
    create(&recorder, "u1", CREATED);
    for _ in 0..9 {
        read_nothing(&recorder, "u2");
    }
    create(&recorder, "u3", CREATED);
    read_nothing(&recorder, "u3");
    create(&recorder, "u4", CREATED);
    read_nothing(&recorder, "u4");
    let verdict = check_users(&recorder.history(), Budget::steps(5)).linearizability;
    assert!(!verdict.is_linearizable());
    assert_eq!((verdict.violations, verdict.out_of_budget), (2, 1));
    match verdict.worst {
        Some((id, Verdict::Violation(_))) => assert_eq!(id, "u3"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_user_says_nothing_about_another() {
    let recorder = Recorder::new(|| 0);
    create(&recorder, "u1", CREATED);
    read_nothing(&recorder, "u2");
    assert!(check_users(&recorder.history(), Budget::default()).is_good());
    read_nothing(&recorder, "u1");
    assert!(!check_users(&recorder.history(), Budget::default()).is_good());
}
