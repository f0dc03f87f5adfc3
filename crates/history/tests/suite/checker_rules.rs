//! The histories that the checker must accept and reject, shown on a register.

use history::register::{Input, Output, Register, RegisterHistory};
use history::{Budget, ClientId, OperationId, Outcome, PendingOperation, Recorder, Verdict, check};

const WRITTEN: Outcome<Output> = Outcome::Done(Output::Set);

/// A recorder with a clock that advances by 1 ms at every event.
struct Script(Recorder<Input, Output>);

impl Script {
    fn new() -> Self {
        let events = std::sync::atomic::AtomicU64::new(0);
        let tick = move || events.fetch_add(1, std::sync::atomic::Ordering::Relaxed) * 1_000_000;
        Self(Recorder::new(tick))
    }

    fn begin(&self, client: u64, input: Input) -> PendingOperation<Input, Output> {
        self.0.invoke(ClientId(client), input)
    }

    fn write(&self, client: u64, value: i64, outcome: Outcome<Output>) -> OperationId {
        let pending = self.begin(client, Input::Write(value));
        let operation = pending.operation();
        pending.complete(outcome);
        operation
    }

    fn read(&self, client: u64, value: i64) -> OperationId {
        let pending = self.begin(client, Input::Read);
        let operation = pending.operation();
        pending.complete(saw(value));
        operation
    }

    fn history(&self) -> RegisterHistory {
        self.0.history()
    }

    fn verdict(&self) -> Verdict {
        check(&Register, &self.history().operations(), Budget::default())
    }
}

fn saw(value: i64) -> Outcome<Output> {
    Outcome::Done(Output::Value(Some(value)))
}

#[test]
fn a_history_without_operations_is_linearizable() {
    assert!(Script::new().verdict().is_linearizable());
}

#[test]
fn a_write_that_a_later_read_does_not_see_is_lost() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    script.write(2, 2, WRITTEN);
    script.read(1, 1);
    assert!(script.verdict().is_violation());
}

#[test]
fn a_read_concurrent_with_a_write_may_see_either_value() {
    for seen in [1, 2] {
        let script = Script::new();
        script.write(1, 1, WRITTEN);
        let write = script.begin(1, Input::Write(2));
        script.read(2, seen);
        write.complete(WRITTEN);
        assert!(script.verdict().is_linearizable(), "saw {seen}");
    }
}

#[test]
fn a_read_after_one_that_saw_a_new_value_never_sees_the_old_one() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    let write = script.begin(1, Input::Write(2));
    script.read(2, 2);
    script.read(3, 1);
    write.complete(WRITTEN);
    assert!(script.verdict().is_violation());
}

#[test]
fn an_unknown_write_may_take_effect_long_after_its_client_gave_up() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    let late = script.write(2, 2, Outcome::Unknown);
    script.read(1, 1);
    script.write(1, 3, WRITTEN);
    script.read(1, 3);
    script.read(1, 2);
    match script.verdict() {
        Verdict::Linearizable { order, .. } => assert_eq!(order.get(4), Some(&late)),
        other => panic!("{other}"),
    }
}

#[test]
fn an_unknown_write_may_never_take_effect() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    let never = script.write(2, 2, Outcome::Unknown);
    script.read(1, 1);
    match script.verdict() {
        Verdict::Linearizable { order, .. } => assert!(!order.contains(&never)),
        other => panic!("{other}"),
    }
}

#[test]
fn an_unknown_write_takes_effect_once_at_most() {
    let script = Script::new();
    script.write(1, 2, Outcome::Unknown);
    script.read(1, 2);
    script.write(1, 3, WRITTEN);
    assert!(script.verdict().is_linearizable());
    script.read(1, 2);
    assert!(script.verdict().is_violation());
    // A second unknown write of the same value explains it.
    let script = Script::new();
    script.write(1, 2, Outcome::Unknown);
    script.write(2, 2, Outcome::Unknown);
    script.read(1, 2);
    script.write(1, 3, WRITTEN);
    script.read(1, 2);
    assert!(script.verdict().is_linearizable());
}

#[test]
fn an_unknown_write_takes_no_effect_before_its_invocation() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    script.read(1, 2);
    script.write(2, 2, Outcome::Unknown);
    assert!(script.verdict().is_violation());
}

#[test]
fn an_operation_that_was_never_completed_is_of_unknown_outcome() {
    let script = Script::new();
    drop(script.begin(1, Input::Write(1)));
    script.read(2, 1);
    assert!(script.verdict().is_linearizable());
    assert_eq!(script.history().operations()[0].outcome(), Outcome::Unknown);
}

#[test]
fn a_write_that_was_not_done_must_not_be_seen() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    script.write(2, 2, Outcome::NotDone);
    script.read(1, 1);
    assert!(script.verdict().is_linearizable());
    script.read(1, 2);
    assert!(script.verdict().is_violation());
}

#[test]
fn a_write_that_is_applied_twice_is_found() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    script.write(2, 2, WRITTEN);
    script.read(2, 2);
    script.read(2, 1);
    assert!(script.verdict().is_violation());
}

#[test]
fn several_unknown_effects_may_follow_each_other_unseen() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    for (from, to) in [(3, 4), (2, 3), (1, 2)] {
        let pending = script.begin(2, Input::CompareAndSet { from, to });
        pending.complete(Outcome::Unknown);
    }
    script.read(1, 4);
    assert!(script.verdict().is_linearizable());
    script.read(1, 3);
    assert!(script.verdict().is_violation());
}

#[test]
fn a_read_of_unknown_outcome_costs_nothing() {
    let script = Script::new();
    script.write(1, 1, WRITTEN);
    let steps = script.verdict().steps();
    script.begin(1, Input::Read).complete(Outcome::Unknown);
    assert_eq!(script.verdict().steps(), steps);
}

#[test]
fn a_check_stops_when_its_budget_is_spent() {
    let script = Script::new();
    for value in 0..10 {
        script.write(1, value, WRITTEN);
    }
    let (history, needed) = (script.history(), script.verdict().steps());
    let within = |steps| check(&Register, &history.operations(), Budget::steps(steps));
    assert!(within(needed).is_linearizable());
    assert_eq!(within(needed - 1), Verdict::OutOfBudget { steps: needed - 1 });
    assert_eq!(within(0), Verdict::OutOfBudget { steps: 0 });
}

#[test]
fn a_report_tells_how_far_one_gets_and_what_stands_in_the_way() {
    let script = Script::new();
    let written = script.write(1, 1, WRITTEN);
    let pending = script.write(4, 9, Outcome::Unknown);
    let slow = script.begin(3, Input::Write(7));
    let impossible = script.read(2, 5);
    script.read(2, 6);
    slow.complete(WRITTEN);
    let Verdict::Violation(report) = script.verdict() else {
        panic!("nobody wrote a 5");
    };
    let ids = |operations: &[history::ReportedOperation]| -> Vec<OperationId> {
        operations.iter().map(|operation| operation.id).collect()
    };
    assert_eq!((report.definite_placed, report.definite), (2, 4));
    assert_eq!(report.placed[0].0.id, written);
    assert_eq!(ids(&report.blocked), [impossible]);
    assert_eq!(ids(&report.pending_unknown), [pending]);
    let text = report.to_string();
    for expected in [
        "2 of 4 operations",
        "#0 client 1 [0ns, 1ms] Write(1) -> Set",
        "the state is: Some(7)",
        "#3 client 2 [5ms, 6ms] Read -> Value(Some(5))",
        "#1 client 4 [2ms, 3ms] Write(9) -> unknown",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in\n{text}");
    }
}
