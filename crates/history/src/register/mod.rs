//! A register with compare-and-set, as the Jepsen test of etcd used it.
//!
//! It is the model of the histories with known verdicts by which the checker itself is tested.

mod jepsen_log;

pub use jepsen_log::{JepsenLogError, parse_jepsen_log};

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::model::Model;

/// A register that is empty at the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Register;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Read the value.
    Read,
    /// Set the value.
    Write(i64),
    /// Set the value to `to` if it is `from`.
    CompareAndSet {
        /// The value that the register must have.
        from: i64,
        /// The value it then gets.
        to: i64,
    },
}

/// What a client is told.
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

/// What a run's clients saw of one register.
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
