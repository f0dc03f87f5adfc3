//! The results of many seeds, and whether they are enough to prove anything.

use std::collections::BTreeMap;
use std::time::Duration;

use sim::plan::kind::FaultKind;
use sim::probes::Probe;
use sim::report::{Failure, Reader, RunReport, Statistics};

/// The least number of seeds at which a sweep must have reached every probe and every kind of
/// fault.
const SEEDS_TO_REACH_ALL: u64 = 1_000;

/// The least share of operations with a definite outcome, in percent.
const DEFINITE_PERCENT_MIN: u64 = 70;

/// The least median of view changes per seed.
const VIEW_CHANGES_MEDIAN_MIN: u64 = 5;

/// The results of many seeds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) seeds: u64,
    pub(super) failures: Vec<RunReport>,
    /// The digest of each seed.
    pub(super) digests: BTreeMap<u64, String>,
    sum: Statistics,
    view_changes: Vec<u64>,
    operations_min: Option<u64>,
    simulated_ms_min: Option<u64>,
}

impl Tally {
    /// Adds the report of a seed.
    pub(super) fn add(&mut self, report: RunReport) {
        self.seeds += 1;
        self.digests.insert(report.seed, report.digest.clone());
        self.sum.add(&report.statistics);
        self.view_changes.push(report.statistics.view_changes);
        if report.failure.is_some() {
            return self.failures.push(report);
        }
        let least = |least: &mut Option<u64>, value| {
            *least = Some(least.map_or(value, |least: u64| least.min(value)));
        };
        least(&mut self.operations_min, report.statistics.operations());
        least(&mut self.simulated_ms_min, report.statistics.simulated_ms);
    }

    /// The lowest exit status of all failures: the lowest is the worst.
    pub(super) fn exit_status(&self) -> u8 {
        let failures = self.failures.iter().filter_map(|report| report.failure.as_ref());
        failures.map(Failure::exit_status).min().unwrap_or(0)
    }

    /// The share of operations with a definite outcome, in percent.
    fn definite_percent(&self) -> u64 {
        100 * (self.sum.done + self.sum.not_done) / self.sum.operations().max(1)
    }

    fn median_view_changes(&self) -> u64 {
        let mut sorted = self.view_changes.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// The expected things that did not happen. `kinds` are the kinds of fault drawn from.
    pub(super) fn missing(&self, kinds: &[FaultKind]) -> Vec<String> {
        let mut missing = Vec::new();
        if self.definite_percent() < DEFINITE_PERCENT_MIN {
            missing.push(format!("only {} % of operations are definite", self.definite_percent()));
        }
        if self.median_view_changes() < VIEW_CHANGES_MEDIAN_MIN {
            missing.push(format!("a median of {} view changes a seed", self.median_view_changes()));
        }
        if self.seeds < SEEDS_TO_REACH_ALL {
            return missing;
        }
        let kinds = kinds.iter().filter(|kind| !self.sum.faults.contains_key(*kind));
        missing.extend(kinds.map(|kind| format!("no fault of kind {}", kind.name())));
        let probes = Probe::ALL.iter().filter(|probe| !self.sum.probes.contains_key(probe.name()));
        missing.extend(probes.map(|probe| format!("probe {:?} was never reached", probe.name())));
        for reader in [Reader::Replica, Reader::Primary] {
            if !self.sum.readers.contains_key(&reader) {
                missing.push(format!("no read was answered by {reader:?}"));
            }
        }
        missing
    }

    /// One line of progress.
    pub(super) fn progress(&self, of: u64, took: Duration) -> String {
        let probes = self.sum.probes.len();
        format!(
            "{}{} seeds, {} a minute, {} failed, {probes} of {} probes",
            self.seeds,
            if of == u64::MAX { String::new() } else { format!(" of {of}") },
            self.per_minute(took),
            self.failures.len(),
            Probe::ALL.len(),
        )
    }

    fn per_minute(&self, took: Duration) -> u64 {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        self.seeds * 60_000 / millis
    }

    /// The lines of the whole summary.
    pub(super) fn summary(&self, took: Duration) -> Vec<String> {
        let sum = &self.sum;
        let seeds = self.seeds.max(1);
        let mut lines = vec![
            format!(
                "{} seeds in {:.1} s, {} a minute; {} failed",
                self.seeds,
                took.as_secs_f64(),
                self.per_minute(took),
                self.failures.len()
            ),
            format!(
                "{} simulated minutes; {} s a seed, {} at least",
                sum.simulated_ms / 60_000,
                sum.simulated_ms / 1000 / seeds,
                self.simulated_ms_min.unwrap_or(0) / 1000,
            ),
            format!(
                "{} operations, {} a seed, {} at least: {} done, {} certainly not done, {} unknown: {} % definite",
                sum.operations(),
                sum.operations() / seeds,
                self.operations_min.unwrap_or(0),
                sum.done,
                sum.not_done,
                sum.unknown,
                self.definite_percent(),
            ),
            format!(
                "{} view changes, a median of {} a seed; {} checker steps",
                sum.view_changes,
                self.median_view_changes(),
                sum.checker_steps
            ),
            format!(
                "the longest convergence {} ms, the longest read {} ms",
                sum.convergence_ms, sum.read_ms_max
            ),
            format!(
                "one fault at a time in {} seeds: of {} reads the longest waited {} ms, where a dead link may look alive \
                 for {} ms",
                sum.paced.seeds, sum.paced.reads, sum.paced.read_ms_max, sum.paced.detection_ms,
            ),
        ];
        let faults = sum.faults.iter().map(|(kind, count)| format!("{} {count}", kind.name()));
        lines.push(format!("faults: {}", faults.collect::<Vec<_>>().join(", ")));
        let readers = sum.readers.iter().map(|(reader, count)| format!("{reader:?} {count}"));
        lines.push(format!("reads by: {}", readers.collect::<Vec<_>>().join(", ")));
        let probes = Probe::ALL.iter().map(|probe| {
            let count = sum.probes.get(probe.name()).copied().unwrap_or(0);
            format!("{} {count}", probe.name())
        });
        lines.push(format!("probes: {}", probes.collect::<Vec<_>>().join(", ")));
        lines
    }
}
