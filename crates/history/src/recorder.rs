//! Collects the events of concurrent testers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::history::{Event, History};
use crate::operation::{ClientId, OperationId, Outcome};

/// Records the operations of concurrent testers. Clones record into the same history.
///
/// Record an invocation *before* the request is sent and a completion *after* its answer has
/// arrived. Then the order of the events never claims more than was true.
///
/// ```
/// use history::{ClientId, Outcome, Recorder};
///
/// let recorder: Recorder<&str, u32> = Recorder::new(|| 0); // a test hands in its clock
/// let pending = recorder.invoke(ClientId(1), "read");
/// pending.complete(Outcome::Done(7));
/// assert_eq!(recorder.history().events().len(), 2);
/// ```
pub struct Recorder<I, O> {
    shared: Arc<Shared<I, O>>,
}

struct Shared<I, O> {
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    recording: Mutex<Recording<I, O>>,
}

struct Recording<I, O> {
    events: Vec<Event<I, O>>,
    operation_count: u64,
    last_ns: u64,
}

/// An operation invoked but not ended. If it is dropped without
/// [`complete`](PendingOperation::complete), its outcome is unknown, as after the death of its
/// client.
#[must_use = "an operation that is never completed counts as of unknown outcome"]
pub struct PendingOperation<I, O> {
    shared: Arc<Shared<I, O>>,
    operation: OperationId,
}

impl<I, O> Recorder<I, O> {
    /// A recorder with a clock in nanoseconds, read at every event. The clock is read under a
    /// lock, so a clock that never goes back gives times that never go back.
    pub fn new(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let recording = Recording { events: Vec::new(), operation_count: 0, last_ns: 0 };
        Self {
            shared: Arc::new(Shared { clock: Box::new(clock), recording: Mutex::new(recording) }),
        }
    }

    /// Records the invocation of `input`. Call it before `client` sends the request.
    pub fn invoke(&self, client: ClientId, input: I) -> PendingOperation<I, O> {
        let mut recording = self.shared.lock();
        let time_ns = recording.advance_to((self.shared.clock)());
        let operation = OperationId(recording.operation_count);
        recording.operation_count += 1;
        recording.events.push(Event::Invocation { client, operation, time_ns, input });
        PendingOperation { shared: Arc::clone(&self.shared), operation }
    }

    /// A copy of the recording so far.
    pub fn history(&self) -> History<I, O>
    where
        I: Clone,
        O: Clone,
    {
        History::from_valid_events(self.shared.lock().events.clone())
    }
}

impl<I, O> PendingOperation<I, O> {
    /// The operation's id in the history.
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// Records the outcome of the operation.
    pub fn complete(self, outcome: Outcome<O>) {
        let mut recording = self.shared.lock();
        let time_ns = recording.advance_to((self.shared.clock)());
        recording.events.push(Event::Completion { operation: self.operation, time_ns, outcome });
    }
}

impl<I, O> Shared<I, O> {
    fn lock(&self) -> MutexGuard<'_, Recording<I, O>> {
        // A tester that panicked under the lock leaves only whole events behind, because the
        // lock covers only pushes and plain assignments. The recording is worth more than the
        // poison.
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I, O> Recording<I, O> {
    /// The time of the next event. A clock that steps back must not spoil the recording, because
    /// only the order of the events counts.
    fn advance_to(&mut self, now_ns: u64) -> u64 {
        self.last_ns = self.last_ns.max(now_ns);
        self.last_ns
    }
}

impl<I, O> Clone for Recorder<I, O> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<I, O> fmt::Debug for Recorder<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_count = self.shared.lock().events.len();
        formatter
            .debug_struct("Recorder")
            .field("event_count", &event_count)
            .finish_non_exhaustive()
    }
}

impl<I, O> fmt::Debug for PendingOperation<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PendingOperation")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
