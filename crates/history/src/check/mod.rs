//! The linearizability checker: is there an order of the operations that agrees with the model and
//! with real time?
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's
//! memo of configurations ("Testing for linearizability", 2017), in the form that made it known through
//! Porcupine: a list of invocations and completions from which an operation is lifted when it is
//! placed, and a stack to go back on.
//!
//! ```text
//!   list      [A  [B  A]  [C  B]  C]        candidates: invocations before the first completion
//!   place B   [A  A]  [C  C]                (A or B); lifting B makes C's turn possible after A
//!   stuck     a completion is reached and no candidate fits: take back the last placement
//! ```
//!
//! Operations of **unknown** outcome are not in that list, for they complete at infinity and may be
//! left out altogether: the history is linearizable as soon as all operations with an output are placed.
//! They multiply the configurations, so they are tried last. And where there is a linearization, there is
//! one with the fewest unknown effects, so everything can be cut off that such a one is not:
//!
//! 1. Every unknown effect in it changes the state.
//! 2. Of unknown operations that are alike ([`Model::are_alike`]), the one invoked first is placed
//!    first.
//! 3. A configuration that used more unknown effects to get to the same state, with the same other
//!    operations placed, has nothing over one that used fewer: the memo keeps the smallest only.
//!
//! Besides, an operation with an output but without effect (a read, a refusal; see
//! [`Model::has_effect`]) is placed as soon as it fits, without an alternative: whatever can happen
//! without it can happen after it. This does not hold for a write of the value that is there already,
//! which may be needed later.
//!
//! Where a history is not linearizable, going through all configurations in that order may visit one many
//! times, with fewer unknown effects each time. Then a sweep (`sweep.rs`) in the order of their size takes
//! over.

mod each_key;
mod entries;
mod evaluation;
mod memo;
mod problem;
mod search;
mod sets;
mod sweep;

pub use each_key::{KeyedVerdict, check_each_key};

use crate::model::Model;
use crate::operation::Operation;
use crate::report::Report;
use crate::verdict::Verdict;
use evaluation::{Ending, Evaluation, Exhausted};
pub(crate) use problem::{Placement, Problem};
use search::Search;
use sweep::Sweep;

/// How much work a check may do before it gives up. The problem is NP-complete: without a bound an
/// unlucky history hangs its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Evaluations of [`Model::step`]. Memory grows more slowly: by some hundred bytes for each
    /// configuration, and it takes several steps to come to a new one.
    pub steps_max: u64,
}

impl Budget {
    /// A budget of so many evaluations of [`Model::step`].
    pub fn steps(steps_max: u64) -> Self {
        Self { steps_max }
    }
}

impl Default for Budget {
    /// Twenty million steps: up to ten seconds, mostly in far less than a hundred megabytes.
    fn default() -> Self {
        Self::steps(20_000_000)
    }
}

/// Judges whether `operations`, all of one history, are linearizable under `model`.
///
/// Equal arguments give the equal verdict, to the last step.
pub fn check<M: Model>(
    model: &M,
    operations: &[Operation<'_, M::Input, M::Output>],
    budget: Budget,
) -> Verdict {
    let problem = Problem::new(model, operations);
    let mut evaluation = Evaluation::new(&problem, budget);
    let ending = solve(&mut evaluation);
    let steps = evaluation.steps();
    match ending {
        Ok(Ending::AllPlaced(placements)) => Verdict::Linearizable {
            order: placements.iter().map(|placed| problem.operation(*placed).id()).collect(),
            steps,
        },
        Ok(Ending::Impossible(longest)) => {
            Verdict::Violation(Box::new(Report::new(&problem, &longest, steps)))
        }
        Err(Exhausted) => Verdict::OutOfBudget { steps },
    }
}

fn solve<M: Model>(evaluation: &mut Evaluation<'_, M>) -> Result<Ending, Exhausted> {
    match Search::new(evaluation).run()? {
        Some(ending) => Ok(ending),
        None => Sweep::new(evaluation).run(),
    }
}

#[cfg(test)]
mod tests;
