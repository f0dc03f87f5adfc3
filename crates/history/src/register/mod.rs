//! A register with compare-and-set, as used in the Jepsen test of etcd.
//!
//! It is the model of the recorded histories with known verdicts. They test the checker itself.

mod jepsen_log;

pub use jepsen_log::{JepsenLogError, parse_jepsen_log};

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::model::Model;

/// A register that is empty at the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Register;

/// The request of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Read the value.
    Read,
    /// Set the value.
    Write(i64),
    /// Set the value to `to` if it is `from`.
    CompareAndSet {
        /// The required old value.
        from: i64,
        /// The new value.
        to: i64,
    },
}

/// The answer to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// The value, `None` if the register is empty.
    Value(Option<i64>),
    /// The write or the compare-and-set took effect.
    Set,
    /// The compare-and-set found another value, and changed nothing.
    Different,
}

/// The history of one register in a run.
pub type RegisterHistory = History<Input, Output>;

impl Model for Register {
    type State = Option<i64>;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        input: &Input,
        output: Option<&Output>,
    ) -> Option<Self::State> {
        match (*input, output) {
            (Input::Read, None) => Some(*state),
            (Input::Read, Some(Output::Value(value))) => (value == state).then_some(*state),
            (Input::Write(value), None | Some(Output::Set)) => Some(Some(value)),
            (Input::CompareAndSet { from, to }, None | Some(Output::Set))
                if *state == Some(from) =>
            {
                Some(Some(to))
            }
            (Input::CompareAndSet { .. }, None) => Some(*state),
            (Input::CompareAndSet { from, .. }, Some(Output::Different)) => {
                (*state != Some(from)).then_some(*state)
            }
            _ => None,
        }
    }

    fn has_effect(&self, input: &Input, output: Option<&Output>) -> bool {
        *input != Input::Read && output != Some(&Output::Different)
    }
}
