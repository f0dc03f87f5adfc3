//! The events of a run: from inside of processes, from storage, from clients, and from the
//! world.
//!
//! Everything that checks judge and the timeline shows is one of these, in one order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use history::users::{Input, Output};
use history::{ClientId, OperationId, Outcome};
use protocol::id::{Epoch, NodeId};
use protocol::problem::ProblemType;
use protocol::view::{Member, View};
use service::events::{self, Event};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::plan::corruption::Row;
use crate::plan::host::Host;
use crate::plan::kind::FaultKind;
use crate::plan::step::{Condition, Death};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A process tells an event through the production channel.
    Inside(Event),
    /// A node's storage acts.
    Storage {
        /// The node's place.
        node: usize,
        /// The action.
        did: StorageDid,
    },
    /// The store of the cluster's state acts.
    State {
        /// The gateway with the store.
        gateway: Host,
        /// The action.
        did: StateDid,
    },
    /// A client acts.
    Client {
        /// The client.
        client: ClientId,
        /// The operation.
        operation: OperationId,
        /// The action.
        did: ClientDid,
    },
    /// The world acts.
    World(WorldDid),
}

/// An action of a node's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageDid {
    /// The storage was opened.
    Opened,
    /// A write begins, of everything handed over before.
    WriteBegins(DiskCall),
    /// A write takes effect: a later process finds it.
    Written(DiskCall),
    /// A sync begins. It covers everything written before.
    SyncBegins(DiskCall),
    /// A sync takes effect: everything covered is durable.
    Synced(DiskCall),
    /// A write or a sync failed.
    Failed(String),
    /// A read failed.
    ReadFailed,
}

/// The number of a call to a node's disk, since the storage was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskCall(pub u64);

/// An action of the store of the cluster's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateDid {
    /// It made these views durable.
    Saved(Vec<View>),
    /// It turned a gateway away, because another one is at work.
    Locked,
    /// A save failed.
    Failed,
}

/// An action of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientDid {
    /// It asks for an operation.
    Invoked(Input),
    /// It has an answer, or has given up.
    Completed(Answered),
}

/// The end of a client's operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The operation asked for.
    pub input: Input,
    /// Its outcome.
    pub outcome: Outcome<Output>,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// The copy that answered, if the response tells.
    pub served_by: Option<ServedBy>,
    /// Whether the response says when to try again.
    pub has_retry_after: bool,
    /// The time from the call to its end.
    pub took: Duration,
    /// The problem of the response or of the connection.
    pub problem: Option<String>,
}

impl Answered {
    /// Whether the request was turned away because of other requests under way.
    pub fn is_overload(&self) -> bool {
        let code = format!(":{}\"", ProblemType::Overloaded.code());
        self.problem.as_ref().is_some_and(|problem| problem.contains(&code))
    }
}

/// The copy that answered a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBy {
    /// The node with the copy.
    pub node: NodeId,
    /// The copy.
    pub member: Member,
    /// The epoch of its view.
    pub epoch: Epoch,
}

/// An action of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum WorldDid {
    /// A planned fault begins.
    Fault(FaultKind),
    /// A process starts.
    Starts(Host),
    /// A process is told to stop.
    Stops(Host),
    /// A process dies.
    Kills(Host, Death),
    /// A process ended by itself.
    Ended(Host, Ended),
    /// A stored row of a copy was damaged.
    Corrupts(Host, Member, Row),
    /// A condition of the network or of a machine begins.
    Begins(Condition),
    /// A condition ends.
    Ends(Condition),
    /// A phase of the run begins.
    Phase(Phase),
}

/// The end of a process that was not killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    AsTold,
    /// Its storage failed.
    Storage(String),
    /// It had another reason.
    Otherwise(String),
}

/// The phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Faults and clients are at work.
    Safety,
    /// The faults are over, and everything has to come back.
    Liveness,
    /// A node with a slow disk comes back while clients ask for updates.
    Load,
    /// Everything is back, and fresh operations have to succeed.
    Fresh,
    /// Nothing happens any more, and the copies are compared.
    Final,
}

/// The time of an event, since the beginning of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.4}", self.0.as_secs_f64())
    }
}

/// The queue of new events. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// The world's time, for events between its steps.
    now: Duration,
    seen: Vec<(Moment, Seen)>,
}

impl Log {
    /// Adds an event at the present time.
    pub fn tell(&self, seen: Seen) {
        let now = self.now();
        self.lock().seen.push((now, seen));
    }

    /// The present time.
    pub fn now(&self) -> Moment {
        // Inside of a host the host's own time counts. It may be ahead of the world's by a
        // tick.
        Moment(turmoil::sim_elapsed().unwrap_or_else(|| self.lock().now))
    }

    /// Sets the world's time.
    pub(crate) fn advance(&self, now: Duration) {
        self.lock().now = now;
    }

    /// Takes the events added since the last call.
    pub(crate) fn take(&self) -> Vec<(Moment, Seen)> {
        std::mem::take(&mut self.lock().seen)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each push is complete, so a panic elsewhere leaves no part of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings the events of processes into a [`Log`].
#[derive(Debug)]
pub struct Listen(pub Log);

impl<S: tracing::Subscriber> Layer<S> for Listen {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if let Some(event) = events::read(event) {
            self.0.tell(Seen::Inside(event));
        }
    }
}
