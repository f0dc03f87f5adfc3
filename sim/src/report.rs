//! What a run comes to: the first violation, and numbers that show that much happened.

use std::collections::BTreeMap;
use std::fmt;

use protocol::id::PartitionId;
use serde::{Deserialize, Serialize};

use crate::plan::kind::FaultKind;
use crate::seen::Moment;

/// What a run comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The plan's seed.
    pub seed: u64,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
    /// The events that matter for it.
    pub events: Vec<String>,
    /// What happened.
    pub statistics: Statistics,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Something happened that must not.
    Safety(Violation),
    /// Something did not happen that must.
    Liveness(Violation),
    /// The harness is at fault: nothing is known of what it tests.
    Harness(String),
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The check that saw it.
    pub check: String,
    /// Whether something happened that must not, or something did not that must.
    pub kind: Kind,
    /// When, in milliseconds.
    pub at_ms: u64,
    /// What was seen, and what should have been.
    pub detail: String,
    /// What it concerns.
    pub about: About,
}

/// What a violation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something happened that must not.
    Safety,
    /// Something did not happen that must.
    Liveness,
}

/// What a violation concerns, to choose the events by that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The partition.
    pub partition: Option<PartitionId>,
    /// The user.
    pub user: Option<String>,
}

impl Violation {
    /// Something happened that must not.
    pub fn safety(check: &str, at: Moment, detail: impl Into<String>) -> Self {
        Self::new(check, Kind::Safety, at, detail.into())
    }

    /// Something did not happen that must.
    pub fn liveness(check: &str, at: Moment, detail: impl Into<String>) -> Self {
        Self::new(check, Kind::Liveness, at, detail.into())
    }

    fn new(check: &str, kind: Kind, at: Moment, detail: String) -> Self {
        let at_ms = u64::try_from(at.0.as_millis()).unwrap_or(u64::MAX);
        Self { check: check.to_owned(), kind, at_ms, detail, about: About::default() }
    }

    /// It concerns a partition.
    #[must_use]
    pub fn of(mut self, partition: PartitionId) -> Self {
        self.about.partition = Some(partition);
        self
    }

    /// It concerns a user.
    #[must_use]
    pub fn of_user(mut self, user: impl Into<String>) -> Self {
        self.about.user = Some(user.into());
        self
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        match violation.kind {
            Kind::Safety => Self::Safety(violation),
            Kind::Liveness => Self::Liveness(violation),
        }
    }
}

impl Failure {
    /// The check that saw it; none where the harness is at fault.
    pub fn check(&self) -> Option<&str> {
        match self {
            Self::Safety(violation) | Self::Liveness(violation) => Some(&violation.check),
            Self::Harness(_) => None,
        }
    }

    /// The exit status of a program that ends with it.
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
        let Violation { check, at_ms, detail, .. } = violation;
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let at_s = *at_ms as f64 / 1000.0;
        write!(f, "{what} violation of {check:?} at {at_s:.3} s: {detail}")
    }
}

/// What happened in a run, or in many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// Operations that were answered.
    pub done: u64,
    /// Operations that certainly had no effect.
    pub not_done: u64,
    /// Operations of unknown outcome.
    pub unknown: u64,
    /// Changes of views.
    pub view_changes: u64,
    /// Faults that began, by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Reads that were answered, by who answered.
    pub readers: BTreeMap<Reader, u64>,
    /// Marks of rare situations that were reached.
    pub probes: BTreeMap<String, u64>,
    /// What the checker of histories spent.
    pub checker_steps: u64,
    /// How long it took until everything was back.
    pub convergence_ms: u64,
    /// The longest that a read took that was answered.
    pub read_ms_max: u64,
    /// The same of seeds with one fault at a time.
    pub paced: Paced,
}

/// Who answers a read.
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
    /// How many operations have ended.
    pub fn operations(&self) -> u64 {
        self.done + self.not_done + self.unknown
    }

    /// Adds those of another run.
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

/// What happened where faults came one at a time, the next only once all was whole again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paced {
    /// So many seeds.
    pub seeds: u64,
    /// So many reads that ended before all faults did.
    pub reads: u64,
    /// The longest that one of them waited for its answer.
    pub read_ms_max: u64,
    /// How long a dead link may look alive in that seed.
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
