//! The driver: hands events to the core and carries out its effects.
//!
//! ```text
//!   readers of links, the timer ---> Driver::handle (lock) ---> effects: sends, drops, dials
//!                                       ^            |
//!                                       |            v
//!              disk's loop:   Synced <- sync <- write <- batch
//!              readers:       Read   <- read  <- queue
//! ```
//!
//! A thread with an event takes the lock, lets the core handle the event and carries out the
//! effects in order. None of this waits: a send goes into the queue of its link, a mutation into
//! the batch, a read into the queue of reads. While the core handles an event, it asks the store
//! for rows in memory. So neither a message nor its answer costs a hop to another thread, unless
//! the disk must be read.
//!
//! The disk has a loop and a thread of its own ([`disk`]). The loop writes the whole batch, so
//! under load one write and one sync carry many updates (*group commit*). Other threads do
//! the reads ([`reads`]).

pub(crate) mod dialler;
mod disk;
pub(crate) mod gateway_link;
pub(crate) mod home_links;
mod links;
pub(crate) mod next_link;
mod read_queue;
pub(crate) mod reads;
mod teller;
mod to_driver;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use link::Sender;
use protocol::hello::HomeHello;
use protocol::id::Incarnation;
use protocol::message::{CopyMessage, FromNode};
use ring_core::link::{LinkId, LinkIds};
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::Mark;
use service::clock::Clock;
use service::shared::{Held, Shared};
use tokio::sync::Notify;
use tracing::{error, warn};

pub(crate) use links::Links;
pub(crate) use read_queue::READERS;
pub(crate) use teller::Teller;

use self::read_queue::{Read, ReadQueue};
use crate::error::RunError;
use crate::storage::Batch;
use crate::store::Store;

/// The most events to handle before other threads may take the lock and the effects are sent.
/// With more events, the other node of a partition waits while this one works. With fewer, there
/// are more writes. (See `benches/partition`.)
const EVENTS_MAX: usize = 16;

/// The core of a node, shared by every source of events.
pub(crate) struct Driver {
    shared: Shared<Locked>,
    store: Store,
    reads: ReadQueue,
    clock: Clock,
    link_ids: LinkIds,
    /// Wakes the disk's loop: the batch is no longer empty, or the node cannot continue.
    to_write: Notify,
    /// The mark covered by a sync, until the core hears of it; 0 for none. The next thread to
    /// handle events tells the core, because the thread of the sync may wait long for the lock.
    synced: AtomicU64,
    /// Signals the loss of a link.
    unlinked: Notify,
    /// Signals a failure of the node.
    failed: Notify,
}

struct Locked {
    node: Node,
    links: Links,
    teller: Teller,
    batch: Batch,
    /// The newest mutation ever added to the batch.
    mark: Mark,
    effects: Vec<NodeEffect>,
    /// Why the node cannot continue, until the disk's loop (or `stuck`) takes it.
    failure: Option<RunError>,
    /// The node ends: the core gets no more events, and its effects are not carried out.
    is_ending: bool,
}

impl Driver {
    pub(crate) fn new(node: Node, store: Store, clock: Clock, links: Links) -> Arc<Self> {
        let locked = Locked {
            teller: Teller::new(node.hello().node),
            node,
            links,
            batch: Batch::new(),
            mark: Mark::default(),
            effects: Vec::new(),
            failure: None,
            is_ending: false,
        };
        Arc::new(Self {
            shared: Shared::new(locked),
            store,
            reads: ReadQueue::default(),
            clock,
            link_ids: LinkIds::default(),
            to_write: Notify::new(),
            synced: AtomicU64::new(0),
            unlinked: Notify::new(),
            failed: Notify::new(),
        })
    }

    /// Adds a link to the gateway.
    pub(crate) fn gateway_linked(&self, sender: Sender<FromNode>) -> LinkId {
        let add = |links: &mut Links, link| links.add_gateway(link, sender);
        self.linked(add, |link| NodeEvent::GatewayLinked { link })
    }

    /// Adds a link to the next node.
    pub(crate) fn next_linked(
        &self,
        sender: Sender<CopyMessage>,
        incarnation: Incarnation,
    ) -> LinkId {
        let add = |links: &mut Links, link| links.add_neighbour(link, sender);
        self.linked(add, |link| NodeEvent::NextLinked { link, incarnation })
    }

    /// Adds a link from the node before this one.
    pub(crate) fn home_linked(&self, sender: Sender<CopyMessage>, hello: HomeHello) -> LinkId {
        let add = |links: &mut Links, link| links.add_neighbour(link, sender);
        self.linked(add, |link| NodeEvent::HomeLinked { link, hello })
    }

    fn linked(
        &self,
        add: impl FnOnce(&mut Links, LinkId),
        event: impl FnOnce(LinkId) -> NodeEvent,
    ) -> LinkId {
        let link = self.link_ids.next();
        let mut held = self.shared.lock();
        add(&mut held.links, link);
        self.handle(&mut held, [event(link)]);
        link
    }

    /// Hands messages of a peer to the core.
    pub(crate) fn hear(&self, events: impl Iterator<Item = NodeEvent>) {
        let mut events = events.peekable();
        while events.peek().is_some() {
            let mut held = self.shared.lock();
            let _hold = held.links.hold();
            let synced = self.synced();
            self.handle(&mut held, synced.into_iter().chain(events.by_ref().take(EVENTS_MAX)));
        }
    }

    /// Removes a lost link, and tells the core.
    pub(crate) fn lost(&self, link: LinkId, event: NodeEvent) {
        let mut held = self.shared.lock_anyhow();
        held.links.remove(link);
        self.handle(&mut held, [event]);
        self.unlinked.notify_one();
    }

    /// Returns when no link is left. By then the peers have received the last messages.
    pub(crate) async fn all_unlinked(&self) {
        while !self.shared.lock_anyhow().links.is_empty() {
            self.unlinked.notified().await;
        }
    }

    /// Lets time pass for the core, for as long as it is polled.
    pub(crate) async fn keep_time(&self) {
        loop {
            let deadline =
                |locked: &Locked| locked.node.next_deadline().filter(|_| !locked.is_ending);
            self.shared.due(&self.clock, deadline).await;
            // Input received before the core's deadline comes first: it may hold the awaited
            // answer.
            tokio::task::yield_now().await;
            self.handle(&mut self.shared.lock(), [NodeEvent::Tick]);
        }
    }

    /// Stops the node with a reason; the first reason counts.
    pub(crate) fn stop(&self, reason: RunError) {
        self.fail(&mut self.shared.lock(), reason);
    }

    fn fail(&self, locked: &mut Locked, reason: RunError) {
        if !locked.is_ending {
            locked.failure = Some(reason);
            locked.is_ending = true;
            self.to_write.notify_one();
            self.failed.notify_one();
        }
    }

    /// Returns if the node cannot continue and the disk's loop does not end it within
    /// `patience`.
    pub(crate) async fn stuck(&self, patience: Duration) -> RunError {
        loop {
            self.failed.notified().await;
            tokio::time::sleep(patience).await;
            let failure = self.shared.lock_anyhow().failure.take();
            if let Some(reason) = failure {
                return self.stop_now(reason);
            }
        }
    }

    /// Tells every peer why the node ends, in place of the disk's loop.
    pub(crate) fn stop_now(&self, reason: RunError) -> RunError {
        error!(%reason, "node stops");
        self.end(reason.to_string());
        reason
    }

    /// The last sync, if the core has not heard of it.
    fn synced(&self) -> Option<NodeEvent> {
        let mark = Mark(self.synced.swap(0, Ordering::AcqRel));
        (mark > Mark(0)).then_some(NodeEvent::Synced { mark })
    }

    fn handle(&self, held: &mut Held<'_, Locked>, events: impl IntoIterator<Item = NodeEvent>) {
        if self.shared.is_broken() {
            return;
        }
        let locked: &mut Locked = held;
        let mut effects = std::mem::take(&mut locked.effects);
        for event in events {
            if locked.is_ending {
                return;
            }
            locked.teller.hears(&event);
            locked.node.handle(self.clock.now(), event, &self.store, &mut effects);
            locked.teller.has_handled(&locked.node);
            for effect in effects.drain(..) {
                self.carry_out(locked, effect);
            }
        }
        locked.effects = effects;
        locked.links.follow_membership(&locked.node);
        let deadline = locked.node.next_deadline();
        held.set_timer(deadline);
    }

    fn carry_out(&self, locked: &mut Locked, effect: NodeEffect) {
        if locked.is_ending {
            return;
        }
        locked.teller.carries_out(&locked.node, &effect);
        match effect {
            NodeEffect::Write { mark, mutation } => {
                if locked.batch.is_empty() {
                    self.to_write.notify_one();
                }
                self.store.add(&mut locked.batch, &mutation);
                locked.mark = mark;
            }
            NodeEffect::Read { read, member, what } => {
                self.store.begin_read(read, member, &what);
                self.reads.add(Read { read, member, what });
            }
            NodeEffect::ComparisonSkipped { .. } => {}
            NodeEffect::Salvaged { partition, member, salvage } => warn!(
                %partition, copy = %member, dropped = salvage.dropped, ids = %salvage.names(),
                "records that could not be read are dropped: an operator has accepted that they are lost",
            ),
            NodeEffect::Alarm(what) => error!("{what}"),
            NodeEffect::Stop(reason) => self.fail(locked, reason.into()),
            effect => locked.links.carry_out(effect),
        }
    }
}
