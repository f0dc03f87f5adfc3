//! The driver: one loop that hands events to the core and carries out its effects.
//!
//! ```text
//!   links ---> Input --+
//!   timers ------------+--> Node::handle ---> effects: sends, drops, a batch of writes
//!   syncs -------------+                                           |
//!     ^                                                            v
//!     +--- sync (one at a time, apart) <----------- write, once all or much of what waited is handled
//! ```
//!
//! Much of what waits is handled before anything is written, so under load one write and one sync carry many updates (*group
//! commit*). One sync runs at a time; what is written meanwhile goes with the next one. A sync that has returned goes before
//! everything that waits: the next node works on what is durable here while this one goes on.

pub(crate) mod dialler;
pub(crate) mod gateway_link;
pub(crate) mod home_links;
mod input;
mod links;
pub(crate) mod next_link;
mod teller;

use std::collections::VecDeque;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use process::clock::Clock;
use process::threads::Threads;
use ring::node::{Node, NodeEffect, NodeEvent, StopReason};
use ring::store::Mark;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

pub(crate) use input::{Input, Inputs};
pub(crate) use links::Links;
pub(crate) use teller::Teller;

use crate::run::RunError;
use crate::storage::{Batch, Operation, StorageError};
use crate::store::Store;

/// At most this many events are handled before what they want written is written, and what they want sent is sent: more, and
/// the other node of a partition waits while this one works; fewer, and there are more writes. (See `benches/partition`.)
const EVENTS_MAX: usize = 16;

/// The loop around a node.
pub(crate) struct Driver {
    node: Node,
    store: Store,
    clock: Clock,
    links: Links,
    teller: Teller,
    inputs: UnboundedReceiver<Input>,
    /// How many inputs were taken out.
    inputs_taken: usize,
    /// What the last input told, and is not handled yet.
    events: VecDeque<NodeEvent>,
    syncs: (UnboundedSender<Synced>, UnboundedReceiver<Synced>),
    threads: Arc<dyn Threads>,
    batch: Batch,
    /// The last mutation that is in `batch` or written.
    mark: Mark,
    /// The last mutation that a sync has covered, or the running one will.
    sync_began: Mark,
    sync_runs: bool,
    /// The core's deadline has passed: it is told once so many inputs were taken and handled, as they came before.
    overdue: Option<usize>,
    effects: Vec<NodeEffect>,
}

/// A sync has returned that began after the write of this mark.
struct Synced {
    mark: Mark,
    outcome: Result<(), StorageError>,
}

impl Driver {
    pub(crate) fn new(
        node: Node,
        store: Store,
        clock: Clock,
        links: Links,
        inputs: UnboundedReceiver<Input>,
        threads: Arc<dyn Threads>,
    ) -> Self {
        let teller = Teller::new(node.hello().node);
        Self {
            node,
            store,
            clock,
            links,
            teller,
            inputs,
            inputs_taken: 0,
            events: VecDeque::new(),
            syncs: unbounded_channel(),
            threads,
            batch: Batch::new(),
            mark: Mark::default(),
            sync_began: Mark::default(),
            sync_runs: false,
            overdue: None,
            effects: Vec::new(),
        }
    }

    /// Runs until `ending` is cancelled or the node cannot go on.
    pub(crate) async fn run(mut self, ending: CancellationToken) -> Result<(), RunError> {
        let outcome = loop {
            let deadline = self.clock.sleep_until(self.node.next_deadline());
            let next = tokio::select! {
                biased;
                () = ending.cancelled() => break Ok(()),
                Some(synced) = self.syncs.1.recv() => self.synced(synced),
                () = ready(()), if !self.events.is_empty() => self.take(),
                Some(input) = self.inputs.recv() => self.look_into(input).and_then(|()| self.take()),
                () = deadline => self.tick(),
            };
            if let Err(error) = next.and_then(|()| self.write()) {
                break Err(error);
            }
        };
        match &outcome {
            Ok(()) => info!("node ends"),
            Err(reason) => error!(%reason, "node stops"),
        }
        let told = || "it was told to stop".to_owned();
        self.links.say_goodbye(outcome.as_ref().err().map_or_else(told, RunError::to_string));
        self.links.close_all("the node ends");
        outcome?;
        self.write_out()
    }

    fn synced(&mut self, synced: Synced) -> Result<(), RunError> {
        self.sync_runs = false;
        synced.outcome?;
        self.handle(NodeEvent::Synced { mark: synced.mark })
    }

    /// Handles what waits, or much of it; what comes of it is sent together.
    fn take(&mut self) -> Result<(), RunError> {
        let _hold = self.links.hold();
        for _ in 0..EVENTS_MAX {
            while self.events.is_empty()
                && let Ok(input) = self.inputs.try_recv()
            {
                self.look_into(input)?;
            }
            let Some(event) = self.events.pop_front() else { break };
            self.handle(event)?;
        }
        self.tick_if_overdue()
    }

    /// Takes out of an input what it tells.
    fn look_into(&mut self, input: Input) -> Result<(), RunError> {
        self.inputs_taken += 1;
        match input {
            Input::Link(link) => self.events.extend(self.links.take(link)),
            Input::Refused(refusal) => return Err(StopReason::Refused(refusal).into()),
        }
        Ok(())
    }

    /// Tells the core the time although there is always something to handle. What came in before its deadline comes first: the
    /// answer that it waits for may be among that.
    fn tick_if_overdue(&mut self) -> Result<(), RunError> {
        if self.node.next_deadline().is_none_or(|deadline| self.clock.now() < deadline) {
            self.overdue = None;
            return Ok(());
        }
        let all = self.inputs_taken + self.inputs.len();
        let before = *self.overdue.get_or_insert(all);
        let handled = self.inputs_taken - usize::from(!self.events.is_empty());
        if handled >= before { self.tick() } else { Ok(()) }
    }

    fn tick(&mut self) -> Result<(), RunError> {
        self.overdue = None;
        self.handle(NodeEvent::Tick)
    }

    fn handle(&mut self, event: NodeEvent) -> Result<(), RunError> {
        let mut effects = std::mem::take(&mut self.effects);
        self.teller.hears(&event);
        self.node.handle(self.clock.now(), event, &self.store, &mut effects);
        self.teller.has_handled(&self.node);
        let carried_out = effects.drain(..).try_for_each(|effect| self.carry_out(effect));
        self.effects = effects;
        self.links.follow_membership(&self.node);
        carried_out
    }

    fn carry_out(&mut self, effect: NodeEffect) -> Result<(), RunError> {
        self.teller.carries_out(&self.node, &effect);
        match effect {
            NodeEffect::Write { mark, mutation } => {
                Store::add(&mut self.batch, &mutation);
                self.mark = mark;
            }
            NodeEffect::Alarm(what) => error!("{what}"),
            NodeEffect::Stop(reason) => return Err(reason.into()),
            effect => self.links.carry_out(effect),
        }
        Ok(())
    }

    /// Writes what waits to be written, and begins a sync if none runs.
    fn write(&mut self) -> Result<(), RunError> {
        if !self.batch.is_empty() {
            self.store.write(std::mem::take(&mut self.batch))?;
        }
        if self.mark > self.sync_began && !self.sync_runs {
            self.begin_sync();
        }
        Ok(())
    }

    fn begin_sync(&mut self) {
        let mark = self.mark;
        (self.sync_began, self.sync_runs) = (mark, true);
        let (storage, synced) = (self.store.storage(), self.syncs.0.clone());
        let sync = self.threads.blocking(Box::new(move || {
            // A panic would end this thread only, and the node would wait for ever.
            let outcome = catch_unwind(AssertUnwindSafe(|| storage.sync())).unwrap_or_else(|_| {
                let detail = "the sync panicked, see the log".to_owned();
                Err(StorageError::Disk { operation: Operation::Sync, detail })
            });
            // Once the driver has ended nobody cares.
            let _ = synced.send(Synced { mark, outcome });
        }));
        tokio::spawn(sync);
    }

    /// The end: what was written becomes durable.
    fn write_out(&mut self) -> Result<(), RunError> {
        if !self.batch.is_empty() {
            self.store.write(std::mem::take(&mut self.batch))?;
        }
        Ok(self.store.storage().sync()?)
    }
}
