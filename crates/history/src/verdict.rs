//! The result of a check.

use std::fmt;

use crate::operation::OperationId;
use crate::report::Counterexample;

/// The judgement of [`check`](crate::check()) on a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that agrees with the model and with real time.
    Linearizable {
        /// Such an order. A missing operation of unknown outcome never took effect in it.
        order: Vec<OperationId>,
        /// The number of evaluations of the model.
        steps: u64,
    },
    /// There is no such order. The report shows the longest one found.
    Violation(Box<Counterexample>),
    /// The budget was spent before the check could decide.
    OutOfBudget {
        /// The number of evaluations of the model.
        steps: u64,
    },
}

impl Verdict {
    /// Whether an order was found.
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Verdict::Linearizable { .. })
    }

    /// Whether the check proved that there is no order.
    pub fn is_violation(&self) -> bool {
        matches!(self, Verdict::Violation(_))
    }

    /// The number of evaluations of the model.
    pub fn steps(&self) -> u64 {
        match self {
            Verdict::Linearizable { steps, .. } | Verdict::OutOfBudget { steps } => *steps,
            Verdict::Violation(report) => report.steps,
        }
    }

    /// The rank of the verdict: a violation is worst, then a spent budget, then an order.
    pub(crate) fn severity(&self) -> u8 {
        match self {
            Verdict::Linearizable { .. } => 0,
            Verdict::OutOfBudget { .. } => 1,
            Verdict::Violation(_) => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Linearizable { order, steps } => write!(
                formatter,
                "linearizable: {} operations have an order ({steps} steps)",
                order.len()
            ),
            Verdict::Violation(report) => report.fmt(formatter),
            Verdict::OutOfBudget { steps } => write!(
                formatter,
                "undecided: {steps} steps did not suffice; use a larger budget, or fewer operations \
                 per key"
            ),
        }
    }
}
