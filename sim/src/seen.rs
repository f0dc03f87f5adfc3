//! What is seen of a run: what processes tell of themselves, what storage and clients saw, and what the world did.
//!
//! Everything that checks judge and the timeline shows is one of these, in one order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use history::users::{Input, Output};
use history::{ClientId, OperationId, Outcome};
use protocol::id::{Epoch, NodeId};
use protocol::view::{Member, View};
use service::events::{self, Event};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::plan::fault::Row;
use crate::plan::host::Host;
use crate::plan::kind::FaultKind;
use crate::plan::step::{Condition, Death};

/// Something that was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A process tells of itself, through the production channel.
    Inside(Event),
    /// A node's storage.
    Storage {
        /// The node's place.
        node: usize,
        /// What it did.
        did: StorageDid,
    },
    /// The place of the cluster's state.
    State {
        /// Which gateway's.
        gateway: Host,
        /// What it did.
        did: StateDid,
    },
    /// A client.
    Client {
        /// Which.
        client: ClientId,
        /// Which operation.
        operation: OperationId,
        /// What of it.
        did: ClientDid,
    },
    /// The world.
    World(WorldDid),
}

/// What a node's storage did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageDid {
    /// It was opened.
    Opened,
    /// It wrote all that it was handed before.
    Written,
    /// It made durable all that was written before.
    Synced,
    /// It failed.
    Failed(String),
    /// A read failed.
    ReadFailed,
}

/// What the place of the cluster's state did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateDid {
    /// It made these views durable.
    Saved(Vec<View>),
    /// It turned a gateway away: another one is at work.
    Locked,
    /// It failed.
    Failed,
}

/// What a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientDid {
    /// It asks for something.
    Invoked(Input),
    /// It has an answer, or gave up.
    Completed(Answered),
}

/// How a client's operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What it had asked for.
    pub input: Input,
    /// What came of it.
    pub outcome: Outcome<Output>,
    /// The response's status, where there was one.
    pub status: Option<u16>,
    /// Which copy answered, where the response says.
    pub served_by: Option<ServedBy>,
    /// Whether the response says when to try again.
    pub has_retry_after: bool,
    /// How long it took.
    pub took: Duration,
    /// What was wrong with the response, or the connection.
    pub problem: Option<String>,
}

/// Which copy answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBy {
    /// On which node.
    pub node: NodeId,
    /// Which copy.
    pub member: Member,
    /// Under which view.
    pub epoch: Epoch,
}

/// What the world did.
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
    /// Something about the network or a machine is the matter.
    Begins(Condition),
    /// It is over.
    Ends(Condition),
    /// A phase of the run begins.
    Phase(Phase),
}

/// How a process ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As it was told to.
    AsTold,
    /// Because its storage failed.
    Storage(String),
    /// For another reason.
    Otherwise(String),
}

/// The phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Faults and clients are at work.
    Safety,
    /// The faults are over: everything has to come back.
    Liveness,
    /// A node with a slow disk comes back while clients ask for updates.
    Load,
    /// All is back: fresh operations have to succeed.
    Fresh,
    /// Nothing happens any more: the copies are compared.
    Final,
}

/// When something was seen: since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.4}", self.0.as_secs_f64())
    }
}

/// Where everything that is seen goes. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// The world's time, for what happens between its steps.
    now: Duration,
    seen: Vec<(Moment, Seen)>,
}

impl Log {
    /// Adds what is seen now.
    pub fn tell(&self, seen: Seen) {
        let now = self.now();
        self.lock().seen.push((now, seen));
    }

    /// The time.
    pub fn now(&self) -> Moment {
        // Inside of a host its own time counts, which may be ahead of the world's by a tick.
        Moment(turmoil::sim_elapsed().unwrap_or_else(|| self.lock().now))
    }

    /// The world has come to this time.
    pub(crate) fn advance(&self, now: Duration) {
        self.lock().now = now;
    }

    /// Takes what was added.
    pub(crate) fn take(&self) -> Vec<(Moment, Seen)> {
        std::mem::take(&mut self.lock().seen)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Whole things are pushed; a panic elsewhere takes nothing from that.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings what processes tell of themselves into a [`Log`].
#[derive(Debug)]
pub struct Listen(pub Log);

impl<S: tracing::Subscriber> Layer<S> for Listen {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if let Some(event) = events::read(event) {
            self.0.tell(Seen::Inside(event));
        }
    }
}
