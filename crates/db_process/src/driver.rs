//! The driver: one loop that hands events to the core and carries out its effects.
//!
//! ```text
//!   links, timers, syncs ---> Input ---> Node::handle ---> effects: sends, drops, a batch of writes
//!                                                              |
//!                     Synced <--- sync (one at a time, apart) <-- write, once all that waited is handled
//! ```
//!
//! Whatever waits is handled before anything is written, so under load one write and one sync carry many updates (*group
//! commit*). One sync runs at a time; what is written meanwhile goes with the next one.

pub(crate) mod dialler;
pub(crate) mod gateway_link;
pub(crate) mod home_links;
mod input;
mod links;
pub(crate) mod next_link;
mod teller;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use process::clock::Clock;
use process::threads::Threads;
use ring::node::{Node, NodeEffect, NodeEvent, StopReason};
use ring::store::Mark;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

pub(crate) use input::{Input, Inputs};
pub(crate) use links::Links;
pub(crate) use teller::Teller;

use crate::run::RunError;
use crate::storage::{Batch, Operation, StorageError};
use crate::store::Store;

/// At most this many inputs are handled before what they want written is written.
const INPUTS_MAX: usize = 256;

/// The loop around a node.
pub(crate) struct Driver {
    node: Node,
    store: Store,
    clock: Clock,
    links: Links,
    teller: Teller,
    inputs: Inputs,
    threads: Arc<dyn Threads>,
    batch: Batch,
    /// The last mutation that is in `batch` or written.
    mark: Mark,
    /// The last mutation that a sync has covered, or the running one will.
    sync_began: Mark,
    sync_runs: bool,
    /// The core's deadline has passed: it is told once this many inputs, which came before, are handled.
    overdue: Option<usize>,
    effects: Vec<NodeEffect>,
}

impl Driver {
    pub(crate) fn new(
        node: Node,
        store: Store,
        clock: Clock,
        links: Links,
        inputs: Inputs,
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
    pub(crate) async fn run(
        mut self,
        mut inputs: UnboundedReceiver<Input>,
        ending: CancellationToken,
    ) -> Result<(), RunError> {
        let outcome = loop {
            let deadline = self.clock.sleep_until(self.node.next_deadline());
            tokio::select! {
                biased;
                () = ending.cancelled() => break Ok(()),
                Some(input) = inputs.recv() => {
                    if let Err(error) = self.take(input, &mut inputs) {
                        break Err(error);
                    }
                }
                () = deadline => {
                    if let Err(error) = self.tick().and_then(|()| self.write()) {
                        break Err(error);
                    }
                }
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

    /// Handles an input and those that wait behind it, then writes.
    fn take(
        &mut self,
        input: Input,
        inputs: &mut UnboundedReceiver<Input>,
    ) -> Result<(), RunError> {
        self.take_one(input)?;
        let mut taken = 1;
        while taken < INPUTS_MAX
            && let Ok(input) = inputs.try_recv()
        {
            self.take_one(input)?;
            taken += 1;
        }
        self.tick_if_overdue(taken, inputs.len())?;
        self.write()
    }

    /// Tells the core the time although there are always inputs. Those that came in before its deadline come first: the
    /// answer that it waits for may be among them.
    fn tick_if_overdue(&mut self, taken: usize, waiting: usize) -> Result<(), RunError> {
        let is_due = self.node.next_deadline().is_some_and(|deadline| deadline <= self.clock.now());
        self.overdue = match self.overdue {
            _ if !is_due => None,
            None => Some(waiting),
            Some(before) => Some(before.saturating_sub(taken)),
        };
        if self.overdue == Some(0) { self.tick() } else { Ok(()) }
    }

    fn tick(&mut self) -> Result<(), RunError> {
        self.overdue = None;
        self.handle(NodeEvent::Tick)
    }

    fn take_one(&mut self, input: Input) -> Result<(), RunError> {
        match input {
            Input::Link(link) => {
                self.links.take(link).into_iter().try_for_each(|event| self.handle(event))
            }
            Input::Refused(refusal) => Err(StopReason::Refused(refusal).into()),
            Input::Synced { mark, outcome } => {
                self.sync_runs = false;
                outcome?;
                self.handle(NodeEvent::Synced { mark })
            }
        }
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
        let (storage, inputs) = (self.store.storage(), self.inputs.clone());
        let sync = self.threads.blocking(Box::new(move || {
            // A panic would end this thread only, and the node would wait for ever.
            let outcome = catch_unwind(AssertUnwindSafe(|| storage.sync())).unwrap_or_else(|_| {
                let detail = "the sync panicked, see the log".to_owned();
                Err(StorageError::Disk { operation: Operation::Sync, detail })
            });
            inputs.send(Input::Synced { mark, outcome });
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
