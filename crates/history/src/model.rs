//! The sequential meaning of operations. A history is judged against it.

use std::fmt::Debug;
use std::hash::Hash;

/// The effect of operations executed one after the other.
///
/// Correctness needs only [`step`](Model::step). The hints, [`has_effect`](Model::has_effect)
/// and [`are_alike`](Model::are_alike), keep the search small. Their defaults are always right.
/// A wrong hint makes verdicts wrong.
pub trait Model {
    /// The state between operations.
    type State: Clone + Eq + Hash + Debug;
    /// The request of a client.
    type Input: PartialEq + Debug;
    /// The answer to a client.
    type Output: Debug;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The state after `input` was executed in `state` and gave `output`. `None` if it cannot
    /// give this output there.
    ///
    /// Without an output, the outcome of the operation is unknown, and the result is the state
    /// after its execution. If an operation would change nothing in `state`, the result is
    /// `state` itself.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;

    /// Whether an operation with this output (`None`: of unknown outcome) can change any state.
    ///
    /// `false` is a promise about every state where the operation can happen. There it makes no
    /// further operation possible. At most it rules out some further operations, as a read does
    /// that shows more than was known. The search leaves out such an operation if its outcome is
    /// unknown. With an output, the search places it as soon as it fits and leaves the state as
    /// it is.
    fn has_effect(&self, input: &Self::Input, output: Option<&Self::Output>) -> bool {
        let _ = (input, output);
        true
    }

    /// Whether two operations of unknown outcome are the same to everybody: in every state,
    /// their steps without output lead to equal states. The search then places the one invoked
    /// first before the other.
    fn are_alike(&self, first: &Self::Input, second: &Self::Input) -> bool {
        first == second
    }

    /// One operation in words, for reports.
    fn describe(&self, input: &Self::Input, output: Option<&Self::Output>) -> String {
        match output {
            Some(output) => format!("{input:?} -> {output:?}"),
            None => format!("{input:?} -> unknown"),
        }
    }

    /// A state in words, for reports.
    fn describe_state(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }
}
