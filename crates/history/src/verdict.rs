//! What a check comes to.

use std::fmt;

use crate::operation::OperationId;
use crate::report::Report;

/// What [`check`](crate::check()) says of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that agrees with the model and with real time.
    Linearizable {
        /// Such an order. Operations of unknown outcome that are missing never took effect in it.
        order: Vec<OperationId>,
        /// Evaluations of the model it took.
        steps: u64,
    },
    /// There is no such order; the report tells how far one can get.
    Violation(Box<Report>),
    /// The budget was spent before either could be shown.
    OutOfBudget {
        /// Evaluations of the model that were spent.
        steps: u64,
    },
}

impl Verdict {
    /// Whether an order was found.
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Verdict::Linearizable { .. })
    }

    /// Whether it was shown that there is none.
    pub fn is_violation(&self) -> bool {
        matches!(self, Verdict::Violation(_))
    }

    /// Evaluations of the model it took.
    pub fn steps(&self) -> u64 {
        match self {
            Verdict::Linearizable { steps, .. } | Verdict::OutOfBudget { steps } => *steps,
            Verdict::Violation(report) => report.steps,
        }
    }

    /// How bad it is: a violation is worse than not knowing, and that is worse than none.
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
