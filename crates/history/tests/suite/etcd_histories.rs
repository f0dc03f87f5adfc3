//! The checker against recorded histories with known verdicts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use history::register::{Output, Register, RegisterHistory, parse_jepsen_log};
use history::{Budget, Event, History, Outcome, Verdict, check};

/// The number of histories in the folder.
const HISTORIES: usize = 39;

/// The hardest of them takes far less. More would mean that the search has lost a rule.
const STEPS_MAX: u64 = 5_000;

#[test]
fn every_recorded_etcd_history_is_judged_as_known() {
    let judged = judge_all("a refused compare-and-set saw the value", |history| history);
    assert_eq!(judged, HISTORIES);
}

#[test]
fn the_verdicts_stay_when_refusals_say_only_that_nothing_happened() {
    let judged = judge_all("a refused compare-and-set says nothing", without_refusals);
    assert_eq!(judged, HISTORIES);
}

#[test]
fn every_history_file_has_a_verdict() {
    let logs = fs::read_dir(folder()).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "log")
    });
    assert_eq!(logs.count(), HISTORIES);
}

#[test]
fn a_line_that_is_no_event_is_named() {
    let good = "INFO  jepsen.util - 4\t:invoke\t:cas\t[2 4]\n";
    assert_eq!(parse_jepsen_log(good).unwrap().events().len(), 1);
    for bad in ["INFO  jepsen.util - 4\t:invoke\t:cas\t[2]\n", "\n", "INFO\n"] {
        let error = parse_jepsen_log(&format!("{good}{bad}")).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
    let error = parse_jepsen_log("INFO  jepsen.util - 4\t:ok\t:write\t1\n").unwrap_err();
    assert!(error.to_string().contains("process 4"), "{error}");
}

fn folder() -> PathBuf {
    // Tests run in the directory of their package. The directory at compile time may be another
    // checkout.
    Path::new("tests/oracles/etcd").to_owned()
}

#[allow(clippy::disallowed_methods, reason = "measures the checker itself")]
fn judge_all(reading: &str, prepare: impl Fn(RegisterHistory) -> RegisterHistory) -> usize {
    let verdicts = fs::read_to_string(folder().join("verdicts.tsv")).unwrap();
    let mut lines = verdicts.lines();
    assert_eq!(lines.next(), Some("log\tlinearizable"));

    let mut judged = 0;
    let mut most = (0, Duration::ZERO);
    for line in lines {
        let (name, expected) = line.split_once('\t').unwrap();
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let history = prepare(parse_jepsen_log(&text).unwrap());
        let start = Instant::now();
        let verdict = check(&Register, &history.operations(), Budget::steps(STEPS_MAX));
        most = (most.0.max(verdict.steps()), most.1.max(start.elapsed()));
        match (expected, &verdict) {
            ("true", Verdict::Linearizable { .. }) | ("false", Verdict::Violation(_)) => {}
            _ => panic!("{name}, known to be linearizable: {expected}, was judged: {verdict}"),
        }
        judged += 1;
    }
    println!("{reading}: {judged} judged, at most {} steps and {:?}", most.0, most.1);
    judged
}

fn without_refusals(history: RegisterHistory) -> RegisterHistory {
    let mut events = history.events().to_vec();
    for event in &mut events {
        if let Event::Completion { outcome, .. } = event
            && *outcome == Outcome::Done(Output::Different)
        {
            *outcome = Outcome::NotDone;
        }
    }
    History::from_events(events).unwrap()
}
