//! The output of the commands: lines for people, and exit statuses.

use std::io::{self, Write};

use sim::report::RunReport;

/// The exit status after a failure of the harness.
pub(crate) const HARNESS_FAILED: u8 = 12;

/// The exit status of a sweep in which too little happened.
pub(super) const TOO_LITTLE: u8 = 13;

/// The exit status when two runs of a seed differ.
pub(super) const NOT_DETERMINISTIC: u8 = 14;

/// Prints a line. Errors are ignored: the reader may be gone.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints the result of a run.
pub(super) fn tell(report: &RunReport, replay: &str) {
    let statistics = &report.statistics;
    match &report.failure {
        None => say(&format!(
            "seed {}: good. {} operations ({} done), {} view changes in {} simulated seconds",
            report.seed,
            statistics.operations(),
            statistics.done,
            statistics.view_changes,
            statistics.simulated_ms / 1000,
        )),
        Some(failure) => {
            say(&format!("seed {}: {failure}", report.seed));
            if let Some(violation) = failure.violation() {
                say(&format!("the rule: {}", violation.rule));
            }
            if !report.events.is_empty() {
                say("the last events that matter:");
            }
            report.events.iter().for_each(|event| say(event));
            say(&format!("replay: {replay}"));
        }
    }
}
