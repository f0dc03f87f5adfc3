//! The linearizability checker: is there an order of the operations that agrees with the model
//! and with real time?
//!
//! The search is the one of Wing and Gong ("Testing and verifying concurrent objects", 1993)
//! with Lowe's memo of configurations ("Testing for linearizability", 2017), in the form known
//! through Porcupine. It has a list of invocations and completions, and a stack to go back on.
//! When it places an operation, it lifts the operation from the list.
//!
//! ```text
//!   list      [A  [B  A]  [C  B]  C]        candidates: invocations before the first completion
//!   place B   [A  A]  [C  C]                (A or B); lifting B makes C's turn possible after A
//!   stuck     a completion is reached and no candidate fits: take back the last placement
//! ```
//!
//! Operations of **unknown** outcome are not in this list, because they complete at infinity and
//! may be left out altogether. The history is linearizable as soon as all operations with an
//! output are placed. Unknown operations multiply the configurations, so the search tries them
//! last. If there is a linearization, there is one with the fewest unknown effects. So the
//! search considers only orders with the properties of such a linearization:
//!
//! 1. Every unknown effect in it changes the state.
//! 2. Of unknown operations that are alike ([`Model::are_alike`]), the one invoked first is
//!    placed first.
//! 3. Take two configurations with the same state and the same other operations placed. The one
//!    with more unknown effects has no advantage over the one with fewer, so the memo keeps only
//!    the smallest.
//!
//! Besides, an operation with an output but without effect (a read, a refusal; see
//! [`Model::has_effect`]) is placed as soon as it fits and leaves the state as it is, without an
//! alternative: everything possible without it is also possible after it. This does not hold for
//! a write of the present value, because a later place in the order may need this write.
//!
//! If a history is not linearizable, this search may visit a configuration many times, with
//! fewer unknown effects each time. Then a sweep (`sweep.rs`) in the order of their size takes
//! over.

mod each_key;
mod entries;
mod evaluation;
mod memo;
pub(crate) mod problem;
mod search;
mod sets;
mod sweep;

pub use each_key::{KeyedVerdict, check_each_key};

use crate::model::Model;
use crate::operation::HistoryOperation;
use crate::report::Counterexample;
use crate::verdict::Verdict;
use evaluation::{Ending, Evaluation, Exhausted};
use problem::Problem;
use search::Search;
use sweep::Sweep;

/// The limit of work for a check. The problem is NP-complete: without a limit, an unlucky
/// history hangs its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Evaluations of [`Model::step`]. Memory grows more slowly: by some hundred bytes for each
    /// configuration, and each new configuration takes several steps.
    pub steps_max: u64,
}

impl Budget {
    /// A budget of this many evaluations of [`Model::step`].
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
    operations: &[HistoryOperation<'_, M::Input, M::Output>],
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
            Verdict::Violation(Box::new(Counterexample::new(&problem, &longest, steps)))
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
