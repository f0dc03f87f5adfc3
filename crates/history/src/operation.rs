//! Operations: what one client asked for, when, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who invoked an operation. Clients only label operations: the checker lets a client have several
/// open at a time, as one whose earlier operation timed out does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u64);

/// An operation's name, unique within its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub u64);

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "client {}", self.0)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

/// What a client knows about the end of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<O> {
    /// It took effect between invocation and completion, and gave this output.
    Done(O),
    /// It certainly had no effect, and never will have.
    NotDone,
    /// It may take effect at any time after its invocation, even after the history ends, or never.
    Unknown,
}

impl<O> Outcome<O> {
    /// The output of an operation that is done.
    pub fn output(&self) -> Option<&O> {
        match self {
            Outcome::Done(output) => Some(output),
            Outcome::NotDone | Outcome::Unknown => None,
        }
    }

    /// The same outcome with the output borrowed.
    pub fn as_ref(&self) -> Outcome<&O> {
        match self {
            Outcome::Done(output) => Outcome::Done(output),
            Outcome::NotDone => Outcome::NotDone,
            Outcome::Unknown => Outcome::Unknown,
        }
    }
}

/// A point of a history. The order of the events is what counts; the time is for people, because
/// several events may fall on the same nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The event's index in its history.
    pub(crate) order: usize,
    /// Nanoseconds on the tester's clock.
    pub(crate) time_ns: u64,
}

/// One operation of a [`History`](crate::History), from which it borrows. Only a history makes
/// operations, so their order in time is always sound.
#[derive(Debug)]
pub struct Operation<'history, I, O> {
    pub(crate) id: OperationId,
    pub(crate) client: ClientId,
    pub(crate) input: &'history I,
    pub(crate) outcome: Outcome<&'history O>,
    pub(crate) invoked: Moment,
    pub(crate) completed: Option<Moment>,
}

impl<'history, I, O> Operation<'history, I, O> {
    /// The operation's name.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Who invoked it.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// What was asked for.
    pub fn input(&self) -> &'history I {
        self.input
    }

    /// What came of it; [`Outcome::Unknown`] where no completion was recorded.
    pub fn outcome(&self) -> Outcome<&'history O> {
        match &self.outcome {
            Outcome::Done(output) => Outcome::Done(output),
            Outcome::NotDone => Outcome::NotDone,
            Outcome::Unknown => Outcome::Unknown,
        }
    }

    /// Time of the invocation, in nanoseconds.
    pub fn invoked_ns(&self) -> u64 {
        self.invoked.time_ns
    }

    /// Time of the completion, in nanoseconds, where one was recorded.
    pub fn completed_ns(&self) -> Option<u64> {
        self.completed.map(|moment| moment.time_ns)
    }
}
