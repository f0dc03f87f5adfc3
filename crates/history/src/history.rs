//! A finished recording: the events of all clients in real-time order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::operation::{ClientId, HistoryOperation, Moment, OperationId, Outcome};

/// One end of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event<I, O> {
    /// A client sent its operation.
    Invocation {
        /// The client.
        client: ClientId,
        /// The operation's id, unique within the history.
        operation: OperationId,
        /// Nanoseconds on the tester's clock.
        time_ns: u64,
        /// The request.
        input: I,
    },
    /// The client learned the outcome, or gave up.
    Completion {
        /// The operation that ends here.
        operation: OperationId,
        /// Nanoseconds on the tester's clock.
        time_ns: u64,
        /// The outcome, as known to the client.
        outcome: Outcome<O>,
    },
}

impl<I, O> Event<I, O> {
    /// Time of the event, in nanoseconds.
    pub fn time_ns(&self) -> u64 {
        match self {
            Event::Invocation { time_ns, .. } | Event::Completion { time_ns, .. } => *time_ns,
        }
    }
}

/// The events of a test run in real-time order: if the completion of an operation stands before
/// the invocation of another one, the first was over before the second began. Every operation is
/// invoked once and completed at most once. An operation without a completion is of unknown
/// outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<I, O> {
    events: Vec<Event<I, O>>,
}

/// An impossible sequence of events. No test run can have produced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// An operation id stands for two operations.
    #[error("operation {0} is invoked a second time: operation ids must be unique in a history")]
    InvokedTwice(OperationId),
    /// A completion without its invocation.
    #[error("operation {0} is completed but was not invoked before")]
    NeverInvoked(OperationId),
    /// An operation ends twice.
    #[error("operation {0} is completed a second time")]
    CompletedTwice(OperationId),
    /// The events are not in real-time order.
    #[error("time goes back from {from_ns} ns to {to_ns} ns: events must be in real-time order")]
    TimeWentBack {
        /// Time of the event before, in nanoseconds.
        from_ns: u64,
        /// Time of the event out of order, in nanoseconds.
        to_ns: u64,
    },
}

impl<I, O> History<I, O> {
    /// Takes events in real-time order.
    ///
    /// # Errors
    ///
    /// The first event that contradicts those before it.
    pub fn from_events(events: Vec<Event<I, O>>) -> Result<Self, HistoryError> {
        let mut validation = Validation::default();
        for event in &events {
            validation.accept(event)?;
        }
        Ok(Self { events })
    }

    /// Takes events known to be valid, such as the recorder's and the loader's.
    pub(crate) fn from_valid_events(events: Vec<Event<I, O>>) -> Self {
        Self { events }
    }

    /// The events in real-time order.
    pub fn events(&self) -> &[Event<I, O>] {
        &self.events
    }

    /// The operations in the order of their invocations.
    pub fn operations(&self) -> Vec<HistoryOperation<'_, I, O>> {
        let mut operations: Vec<HistoryOperation<'_, I, O>> = Vec::new();
        let mut place_of = BTreeMap::new();
        for (order, event) in self.events.iter().enumerate() {
            match event {
                Event::Invocation { client, operation, time_ns, input } => {
                    place_of.insert(*operation, operations.len());
                    operations.push(HistoryOperation {
                        id: *operation,
                        client: *client,
                        input,
                        outcome: Outcome::Unknown,
                        invoked: Moment { order, time_ns: *time_ns },
                        completed: None,
                    });
                }
                Event::Completion { operation, time_ns, outcome } => {
                    let place = place_of.get(operation).copied();
                    if let Some(open) = place.and_then(|place| operations.get_mut(place)) {
                        open.outcome = outcome.as_ref();
                        open.completed = Some(Moment { order, time_ns: *time_ns });
                    }
                }
            }
        }
        operations
    }
}

/// Accepts events one by one as long as they form a valid history together.
#[derive(Debug, Default)]
pub(crate) struct Validation {
    is_open: BTreeMap<OperationId, bool>,
    last_ns: u64,
}

impl Validation {
    pub(crate) fn accept<I, O>(&mut self, event: &Event<I, O>) -> Result<(), HistoryError> {
        let to_ns = event.time_ns();
        if to_ns < self.last_ns {
            let from_ns = self.last_ns;
            return Err(HistoryError::TimeWentBack { from_ns, to_ns });
        }
        self.last_ns = to_ns;
        match event {
            Event::Invocation { operation, .. } => match self.is_open.insert(*operation, true) {
                None => Ok(()),
                Some(_) => Err(HistoryError::InvokedTwice(*operation)),
            },
            Event::Completion { operation, .. } => match self.is_open.get_mut(operation) {
                None => Err(HistoryError::NeverInvoked(*operation)),
                Some(false) => Err(HistoryError::CompletedTwice(*operation)),
                Some(is_open) => {
                    *is_open = false;
                    Ok(())
                }
            },
        }
    }
}
