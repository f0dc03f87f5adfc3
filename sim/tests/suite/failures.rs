//! The output of a failure, and its exit status for each kind of failure.

use std::fs;

use sim::plan::swarm::Span;
use sim::plan::{Options, Plan};
use tempfile::TempDir;

use crate::support::sim;

fn replay(schedule: &str) -> crate::support::Said {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("schedule.json");
    fs::write(&path, schedule).expect("the schedule is written");
    sim(&["replay", path.to_str().expect("a name in UTF-8"), "--show", "nothing"])
}

#[test]
fn what_does_not_come_back_is_a_liveness_failure_with_all_it_takes_to_look_at_it() {
    let mut plan = Plan::draw(7, &Options::default());
    // The latency is too long for any link to come up within its deadline.
    plan.swarm.latency_ms = Span::new(5_000, 5_000);
    plan.faults.clear();
    plan.operations.truncate(5);
    let said = replay(&plan.to_json());
    assert_eq!(said.status, Some(11), "{}", said.text);
    for part in ["seed 7", "liveness", "\"convergence\"", "is not back", "replay: cargo run -p sim"]
    {
        assert!(said.text.contains(part), "{part:?} is missing in:\n{}", said.text);
    }
}

#[test]
fn what_cannot_be_run_is_a_failure_of_the_harness() {
    let said = replay("{}");
    assert_eq!(said.status, Some(12), "{}", said.text);
    assert!(said.text.contains("schedule"), "{}", said.text);
}
