//! Broken rules: the findings of the checks, and the rules behind them.

use protocol::id::PartitionId;
use serde::{Deserialize, Serialize};

use crate::seen::Moment;

/// A rule, as reports name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The check that judges by it.
    pub check: &'static str,
    /// The rule in one sentence, for the reader of a failure.
    pub says: &'static str,
}

/// An observation that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it is of safety or of liveness.
    pub kind: Kind,
    /// The time, in milliseconds.
    pub at_ms: u64,
    /// The observation, and the expectation.
    pub detail: String,
    /// The partition or user concerned.
    pub about: About,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The check that found it.
    pub check: String,
    /// The rule in one sentence.
    pub rule: String,
    /// The observation.
    pub finding: Finding,
}

/// The kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something forbidden happened.
    Safety,
    /// Something required did not happen.
    Liveness,
}

/// The subject of a finding, to choose the events that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The partition, if there is one.
    pub partition: Option<PartitionId>,
    /// The user, if there is one.
    pub user: Option<String>,
}

impl Finding {
    /// Something forbidden happened.
    pub fn safety(at: Moment, detail: impl Into<String>) -> Self {
        Self::new(Kind::Safety, at, detail.into())
    }

    /// Something required did not happen.
    pub fn liveness(at: Moment, detail: impl Into<String>) -> Self {
        Self::new(Kind::Liveness, at, detail.into())
    }

    fn new(kind: Kind, at: Moment, detail: String) -> Self {
        let at_ms = u64::try_from(at.0.as_millis()).unwrap_or(u64::MAX);
        Self { kind, at_ms, detail, about: About::default() }
    }

    /// Sets the partition concerned.
    #[must_use]
    pub fn of(mut self, partition: PartitionId) -> Self {
        self.about.partition = Some(partition);
        self
    }

    /// Sets the user concerned.
    #[must_use]
    pub fn of_user(mut self, user: impl Into<String>) -> Self {
        self.about.user = Some(user.into());
        self
    }

    /// Names the broken rule.
    #[must_use]
    pub fn breaks(self, rule: Rule) -> Violation {
        let Rule { check, says } = rule;
        Violation { check: check.to_owned(), rule: says.to_owned(), finding: self }
    }
}
