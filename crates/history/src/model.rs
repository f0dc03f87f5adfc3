//! The sequential meaning of operations, against which a history is judged.

use std::fmt::Debug;
use std::hash::Hash;

/// What operations do when they happen one after the other.
///
/// [`step`](Model::step) is all that correctness needs. The hints, [`has_effect`](Model::has_effect) and
/// [`are_alike`](Model::are_alike), keep the search small; their defaults are always right, and a wrong
/// answer makes verdicts wrong.
pub trait Model {
    /// The state between operations.
    type State: Clone + Eq + Hash + Debug;
    /// What a client asks for.
    type Input: PartialEq + Debug;
    /// What a client is told.
    type Output: Debug;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The state after `input` was executed in `state` and gave `output`, or `None` where it cannot
    /// have given that output there.
    ///
    /// Without an output the operation's outcome is unknown, and the answer is the state after it was
    /// executed. An operation that would change nothing in `state` answers `state` itself.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;

    /// Whether an operation with this output (`None`: of unknown outcome) can change any state.
    ///
    /// `false` promises that in every state where it can happen it rules out some of what could happen
    /// next at most, as a read does that shows more than was known, and makes nothing possible. Of
    /// unknown outcome, such an operation is left out of the search; with an output, it is placed as
    /// soon as it fits and leaves the state as it is.
    fn has_effect(&self, input: &Self::Input, output: Option<&Self::Output>) -> bool {
        let _ = (input, output);
        true
    }

    /// Whether two operations of unknown outcome are the same to everybody: in every state their steps
    /// without output lead to equal states. The search then places the one that was invoked first
    /// before the other.
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
