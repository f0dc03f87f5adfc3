//! Operations: the request of a client, its times and its outcome.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The client of an operation. Clients only label operations. The checker lets a client have
/// several open operations at a time, for example after an earlier operation timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u64);

/// An operation's id, unique within its history.
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

/// The outcome of an operation, as known to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<O> {
    /// It took effect between invocation and completion, and gave this output.
    Done(O),
    /// It certainly had no effect, and never will have.
    NotDone,
    /// It may take effect at any time after its invocation, even after the history ends, or
    /// never.
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

/// A point of a history. Only the order of the events counts. The time is for people, because
/// several events may have the same nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The event's index in its history.
    pub(crate) order: usize,
    /// Nanoseconds on the tester's clock.
    pub(crate) time_ns: u64,
}

/// One operation of a [`History`](crate::History), borrowed from it. Only a history makes
/// operations, so their order in time is always sound.
#[derive(Debug)]
pub struct HistoryOperation<'history, I, O> {
    pub(crate) id: OperationId,
    pub(crate) client: ClientId,
    pub(crate) input: &'history I,
    pub(crate) outcome: Outcome<&'history O>,
    pub(crate) invoked: Moment,
    pub(crate) completed: Option<Moment>,
}

impl<'history, I, O> HistoryOperation<'history, I, O> {
    /// The operation's id.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// The client of the operation.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The request.
    pub fn input(&self) -> &'history I {
        self.input
    }

    /// The outcome; [`Outcome::Unknown`] without a recorded completion.
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

    /// Time of the completion, in nanoseconds; none if no completion was recorded.
    pub fn completed_ns(&self) -> Option<u64> {
        self.completed.map(|moment| moment.time_ns)
    }
}
