//! The reason why a history is not linearizable, for people.

use std::fmt;
use std::time::Duration;

use crate::check::problem::{Placement, Problem};
use crate::model::Model;
use crate::operation::{ClientId, HistoryOperation, OperationId};

/// How many of the placed operations are shown.
const SHOWN_PLACED_MAX: usize = 12;

/// One operation in a [`Counterexample`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedOperation {
    /// The operation's id in the history.
    pub id: OperationId,
    /// The client of the operation.
    pub client: ClientId,
    /// Time of the invocation, in nanoseconds.
    pub invoked_ns: u64,
    /// Time of the completion, in nanoseconds; none if no completion was recorded.
    pub completed_ns: Option<u64>,
    /// Input and output in words.
    pub description: String,
}

/// The longest order found, and the operations in its way.
///
/// [`placed`](Counterexample::placed) is one of the longest orders of a beginning of the history
/// that agree with the model and with real time. By real time, any of
/// [`blocked`](Counterexample::blocked) could come next, and the one completed first had to. In
/// every order tried, one of them contradicts the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The longest order found, each operation with the state after it.
    pub placed: Vec<(ReportedOperation, String)>,
    /// The state at the end of this order.
    pub state: String,
    /// The operations with an output that could have come next but contradict the state, or lead
    /// to an end that comes no later.
    pub blocked: Vec<ReportedOperation>,
    /// The operations of unknown outcome pending then. None of them helps.
    pub pending_unknown: Vec<ReportedOperation>,
    /// The number of operations with an output in [`placed`](Counterexample::placed).
    pub definite_placed: usize,
    /// The number of operations with an output.
    pub definite: usize,
    /// The number of evaluations of the model.
    pub steps: u64,
}

impl Counterexample {
    pub(crate) fn new<M: Model>(
        problem: &Problem<'_, M>,
        longest: &[Placement],
        steps: u64,
    ) -> Self {
        let model = problem.model;
        let mut state = model.initial();
        let mut placed = Vec::new();
        let mut is_definite_placed = vec![false; problem.definite.len()];
        let mut is_unknown_placed = vec![false; problem.unknown.len()];
        for placement in longest {
            match placement {
                Placement::Definite(index) => is_definite_placed[*index] = true,
                Placement::Unknown(index) => is_unknown_placed[*index] = true,
            }
            let (input, output) = (problem.input(*placement), problem.output(*placement));
            if let Some(after) = model.step(&state, input, output) {
                state = after;
            }
            let operation = describe(model, problem.operation(*placement));
            placed.push((operation, model.describe_state(&state)));
        }
        let frontier = not_in(&is_definite_placed)
            .map(|index| problem.definite[index].completed)
            .min()
            .unwrap_or(usize::MAX);
        let blocked = not_in(&is_definite_placed)
            .filter(|index| problem.definite[*index].invoked < frontier)
            .map(|index| describe(model, problem.operation(Placement::Definite(index))))
            .collect();
        let pending_unknown = not_in(&is_unknown_placed)
            .filter(|index| problem.unknown[*index].invoked < frontier)
            .map(|index| describe(model, problem.operation(Placement::Unknown(index))))
            .collect();
        Self {
            definite_placed: is_definite_placed.iter().filter(|placed| **placed).count(),
            definite: is_definite_placed.len(),
            placed,
            state: model.describe_state(&state),
            blocked,
            pending_unknown,
            steps,
        }
    }
}

/// The indices without a mark.
fn not_in(marked: &[bool]) -> impl Iterator<Item = usize> + '_ {
    (0..marked.len()).filter(|index| !marked[*index])
}

fn describe<M: Model>(
    model: &M,
    operation: &HistoryOperation<'_, M::Input, M::Output>,
) -> ReportedOperation {
    ReportedOperation {
        id: operation.id(),
        client: operation.client(),
        invoked_ns: operation.invoked_ns(),
        completed_ns: operation.completed_ns(),
        description: model.describe(operation.input(), operation.outcome().output().copied()),
    }
}

impl fmt::Display for ReportedOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let invoked = Duration::from_nanos(self.invoked_ns);
        write!(formatter, "{} {} [{invoked:?}, ", self.id, self.client)?;
        match self.completed_ns.map(Duration::from_nanos) {
            Some(completed) => write!(formatter, "{completed:?}] ")?,
            None => write!(formatter, "never] ")?,
        }
        formatter.write_str(&self.description)
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "not linearizable: at best {} of {} operations with an output have an order ({} steps)",
            self.definite_placed, self.definite, self.steps
        )?;
        let hidden = self.placed.len().saturating_sub(SHOWN_PLACED_MAX);
        if hidden > 0 {
            writeln!(formatter, "after {hidden} operations before them:")?;
        }
        for (operation, state) in self.placed.iter().skip(hidden) {
            writeln!(formatter, "  {operation}")?;
            writeln!(formatter, "      then: {state}")?;
        }
        writeln!(formatter, "the state is: {}", self.state)?;
        writeln!(formatter, "one of these had to be next, but none leads on:")?;
        for operation in &self.blocked {
            writeln!(formatter, "  {operation}")?;
        }
        if !self.pending_unknown.is_empty() {
            writeln!(formatter, "nor does an effect of these, of unknown outcome:")?;
            for operation in &self.pending_unknown {
                writeln!(formatter, "  {operation}")?;
            }
        }
        Ok(())
    }
}
