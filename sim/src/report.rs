//! The result of a run: the first violation, and numbers to show that much happened.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::kind::FaultKind;
use crate::violation::{Finding, Kind, Violation};

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The plan's seed.
    pub seed: u64,
    /// The failure, if there was one.
    pub failure: Option<Failure>,
    /// The events that matter for the failure.
    pub events: Vec<String>,
    /// The digest of all events.
    pub digest: String,
    /// The counts and times of the run.
    pub statistics: Statistics,
}

/// A failed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Something forbidden happened.
    Safety(Violation),
    /// Something required did not happen.
    Liveness(Violation),
    /// The harness is at fault: the run tells nothing about the tested code.
    Harness(String),
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        match violation.finding.kind {
            Kind::Safety => Self::Safety(violation),
            Kind::Liveness => Self::Liveness(violation),
        }
    }
}

impl Failure {
    /// The violation; none if the harness is at fault.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Safety(violation) | Self::Liveness(violation) => Some(violation),
            Self::Harness(_) => None,
        }
    }

    /// The exit status of a program that ends with this failure.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Safety(_) => 10,
            Self::Liveness(_) => 11,
            Self::Harness(_) => 12,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, violation) = match self {
            Self::Safety(violation) => ("safety", violation),
            Self::Liveness(violation) => ("liveness", violation),
            Self::Harness(detail) => return write!(f, "the harness failed: {detail}"),
        };
        let Violation { check, finding: Finding { at_ms, detail, .. }, .. } = violation;
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let at_s = *at_ms as f64 / 1000.0;
        write!(f, "{what} violation of {check:?} at {at_s:.3} s: {detail}")
    }
}

/// The counts and times of a run, or of many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// Operations of outcome *done*. A refusal such as *already exists* counts too.
    pub done: u64,
    /// Operations certainly without effect.
    pub not_done: u64,
    /// Operations of unknown outcome.
    pub unknown: u64,
    /// Changes of views.
    pub view_changes: u64,
    /// Faults begun, by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Answered reads, by the answering copy.
    pub readers: BTreeMap<Reader, u64>,
    /// Probes reached, by name.
    pub probes: BTreeMap<String, u64>,
    /// The steps of the checker of histories.
    pub checker_steps: u64,
    /// The longest time until everything was back, in milliseconds.
    pub convergence_ms: u64,
    /// The longest time of an answered read, in milliseconds.
    pub read_ms_max: u64,
    /// The counts of the seeds with one fault at a time.
    pub paced: Paced,
}

/// The copy that answers a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Next, in the view *both*.
    Replica,
    /// Home, in the view *home only*.
    Primary,
    /// Next, in the view *next only*.
    ReplicaAlone,
}

impl Statistics {
    /// The number of ended operations.
    pub fn operations(&self) -> u64 {
        self.done + self.not_done + self.unknown
    }

    /// Adds the statistics of another run.
    pub fn add(&mut self, other: &Self) {
        self.simulated_ms += other.simulated_ms;
        self.done += other.done;
        self.not_done += other.not_done;
        self.unknown += other.unknown;
        self.view_changes += other.view_changes;
        self.checker_steps += other.checker_steps;
        self.convergence_ms = self.convergence_ms.max(other.convergence_ms);
        self.read_ms_max = self.read_ms_max.max(other.read_ms_max);
        self.paced.add(&other.paced);
        add_all(&mut self.faults, &other.faults);
        add_all(&mut self.readers, &other.readers);
        add_all(&mut self.probes, &other.probes);
    }
}

fn add_all<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}

/// The reads of seeds with one fault at a time, where each fault waits until all is whole
/// again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paced {
    /// The number of such seeds.
    pub seeds: u64,
    /// The number of reads answered before all faults had ended.
    pub reads: u64,
    /// The longest time until such an answer, in milliseconds.
    pub read_ms_max: u64,
    /// How long a dead link may look alive in the seed with that longest read, in milliseconds.
    pub detection_ms: u64,
}

impl Paced {
    fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.reads += other.reads;
        if other.read_ms_max > self.read_ms_max {
            (self.read_ms_max, self.detection_ms) = (other.read_ms_max, other.detection_ms);
        }
    }
}
