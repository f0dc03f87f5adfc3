//! Buckets: failures of one cause look alike, and are counted together.
//!
//! Two failures look alike if the same check fails, and their last events have the same shape: the
//! same hosts and words in the same order, whatever their times and numbers.

use std::collections::BTreeMap;

use sim::report::{Failure, RunReport};

/// How many of the last events have to look alike.
const EVENTS: usize = 4;

/// Failures that look alike.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The failing check; *harness* if the harness failed.
    pub(super) check: String,
    /// The failed seeds, in order.
    pub(super) seeds: Vec<u64>,
}

/// The failures of a sweep, alike ones together; the largest bucket first.
pub(super) fn buckets(failures: &[RunReport]) -> Vec<Bucket> {
    let mut seeds_of = BTreeMap::<(String, Vec<String>), Vec<u64>>::new();
    for report in failures {
        let violation = report.failure.as_ref().and_then(Failure::violation);
        let check = violation.map_or_else(|| "harness".to_owned(), |found| found.check.clone());
        let last = report.events.iter().rev().take(EVENTS).map(|line| shape(line)).collect();
        seeds_of.entry((check, last)).or_default().push(report.seed);
    }
    let bucket = |((check, _), mut seeds): (_, Vec<u64>)| {
        seeds.sort_unstable();
        Bucket { check, seeds }
    };
    let mut buckets = seeds_of.into_iter().map(bucket).collect::<Vec<_>>();
    buckets.sort_by_key(|bucket| std::cmp::Reverse(bucket.seeds.len()));
    buckets
}

/// The words of an event, without those that have a digit.
fn shape(line: &str) -> String {
    let words = line.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}

impl Bucket {
    /// A line for people.
    pub(super) fn line(&self) -> String {
        let shown = self.seeds.iter().take(10).map(u64::to_string).collect::<Vec<_>>().join(", ");
        let more = if self.seeds.len() > 10 { ", …" } else { "" };
        format!("{} alike by {:?}: seeds {shown}{more}", self.seeds.len(), self.check)
    }
}

#[cfg(test)]
mod tests {
    use sim::report::Statistics;
    use sim::seen::Moment;
    use sim::violation::{Finding, Rule};

    use super::*;

    fn failed(seed: u64, check: &'static str, events: &[&str]) -> RunReport {
        let rule = Rule { check, says: "a rule" };
        let failure = Finding::safety(Moment::default(), "what was seen").breaks(rule).into();
        let events = events.iter().map(|&event| event.to_owned()).collect();
        RunReport {
            seed,
            failure: Some(failure),
            events,
            digest: String::new(),
            statistics: Statistics::default(),
        }
    }

    #[test]
    fn failures_that_differ_in_times_and_numbers_alone_are_alike() {
        let failures = [
            failed(9, "release", &["   1.5  db-0   home applies entry 1.4"]),
            failed(3, "release", &["   2.7  db-1   home applies entry 6.9"]),
            failed(4, "release", &["   2.7  db-1   home asks for both"]),
            failed(5, "ask", &["   2.7  db-1   home applies entry 6.9"]),
        ];
        let buckets = buckets(&failures);
        assert_eq!(buckets.len(), 3);
        assert_eq!((buckets[0].check.as_str(), &buckets[0].seeds), ("release", &vec![3, 9]));
        assert_eq!(buckets[0].line(), "2 alike by \"release\": seeds 3, 9");
    }
}
