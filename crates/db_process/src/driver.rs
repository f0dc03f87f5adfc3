//! The driver: hands events to the core and carries out its effects.
//!
//! ```text
//!   readers of links, the timer ---> Driver::handle (lock) ---> effects: sends, drops, dials
//!                                       ^            |
//!                                       |            v
//!              disk's loop:   Synced <- sync <- write <- batch
//! ```
//!
//! Whoever has an event takes the lock, lets the core handle it and carries out what comes of it, in order. None of that waits but
//! for reads of the storage: sends go into queues, and what is to be written into a batch. So a message costs no hop to another
//! thread, and its answer none back.
//!
//! The disk has a loop and a thread of its own ([`disk`]): it writes whatever is in the batch, so under load one write and one
//! sync carry many updates (*group commit*).

pub(crate) mod dialler;
mod disk;
pub(crate) mod gateway_link;
pub(crate) mod home_links;
mod links;
pub(crate) mod next_link;
mod teller;
mod to_driver;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use link::Sender;
use process::clock::Clock;
use protocol::hello::HomeHello;
use protocol::id::Incarnation;
use protocol::message::{CopyMessage, FromNode};
use ring::link::{LinkId, LinkIds};
use ring::node::{Node, NodeEffect, NodeEvent};
use ring::store::Mark;
use ring::time::Time;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

pub(crate) use links::Links;
pub(crate) use teller::Teller;

use crate::run::RunError;
use crate::storage::Batch;
use crate::store::Store;

/// At most this many events are handled before others may take the lock, and what comes of them is sent: more, and the other
/// node of a partition waits while this one works; fewer, and there are more writes. (See `benches/partition`.)
const EVENTS_MAX: usize = 16;

/// The core of a node, shared by all who have events for it.
pub(crate) struct Driver {
    locked: Mutex<Locked>,
    store: Store,
    clock: Clock,
    link_ids: LinkIds,
    /// Tells the timer that there is an earlier deadline.
    earlier_deadline: Notify,
    /// Tells the disk's loop that there is something to write.
    to_write: Notify,
    /// The mark that a sync has covered, until the core is told; 0 for none. Whoever handles events next tells it: who has
    /// synced may wait long for the lock.
    synced: AtomicU64,
    /// The core has stopped, or has panicked.
    stopped: CancellationToken,
    /// Tells that a link is gone.
    unlinked: Notify,
}

struct Locked {
    node: Node,
    links: Links,
    teller: Teller,
    batch: Batch,
    /// The last mutation that is in the batch, or was.
    mark: Mark,
    /// What the timer waits for.
    timer_at: Option<Time>,
    effects: Vec<NodeEffect>,
    /// Why the core has stopped.
    failure: Option<RunError>,
    /// The node ends: nothing that happens from now on is for the core to act on.
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
            timer_at: None,
            effects: Vec::new(),
            failure: None,
            is_ending: false,
        };
        Arc::new(Self {
            locked: Mutex::new(locked),
            store,
            clock,
            link_ids: LinkIds::default(),
            earlier_deadline: Notify::new(),
            to_write: Notify::new(),
            synced: AtomicU64::new(0),
            stopped: CancellationToken::new(),
            unlinked: Notify::new(),
        })
    }

    /// A link to the gateway is up.
    pub(crate) fn gateway_linked(&self, sender: Sender<FromNode>) -> LinkId {
        let link = self.link_ids.next();
        let mut locked = self.lock();
        locked.links.add_gateway(link, sender);
        self.handle(&mut locked, NodeEvent::GatewayLinked { link });
        link
    }

    /// A link to the next node is up.
    pub(crate) fn next_linked(
        &self,
        sender: Sender<CopyMessage>,
        incarnation: Incarnation,
    ) -> LinkId {
        let link = self.link_ids.next();
        let mut locked = self.lock();
        locked.links.add_neighbour(link, sender);
        self.handle(&mut locked, NodeEvent::NextLinked { link, incarnation });
        link
    }

    /// The node before this one has a link here.
    pub(crate) fn home_linked(&self, sender: Sender<CopyMessage>, hello: HomeHello) -> LinkId {
        let link = self.link_ids.next();
        let mut locked = self.lock();
        locked.links.add_neighbour(link, sender);
        self.handle(&mut locked, NodeEvent::HomeLinked { link, hello });
        link
    }

    /// A peer says something.
    pub(crate) fn hear(&self, events: impl Iterator<Item = NodeEvent>) {
        let mut events = events.peekable();
        while events.peek().is_some() {
            let mut locked = self.lock();
            let _hold = locked.links.hold();
            self.tell_synced(&mut locked);
            for event in events.by_ref().take(EVENTS_MAX) {
                self.handle(&mut locked, event);
            }
        }
    }

    /// A link is gone.
    pub(crate) fn lost(&self, link: LinkId, event: NodeEvent) {
        let mut locked = self.lock_anyhow();
        locked.links.remove(link);
        self.handle(&mut locked, event);
        self.unlinked.notify_one();
    }

    /// Returns once no link is left: what was said at the end has been heard, then.
    pub(crate) async fn all_unlinked(&self) {
        while !self.lock_anyhow().links.is_empty() {
            self.unlinked.notified().await;
        }
    }

    /// Lets time pass, for as long as it is polled.
    pub(crate) async fn keep_time(&self) {
        loop {
            let deadline = {
                let mut locked = self.lock();
                locked.timer_at = locked.node.next_deadline().filter(|_| !locked.is_ending);
                locked.timer_at
            };
            tokio::select! {
                biased;
                () = self.earlier_deadline.notified() => {}
                () = self.clock.sleep_until(deadline) => self.tick().await,
            }
        }
    }

    /// What came in before the core's deadline comes first: the answer that it waits for may be among that.
    async fn tick(&self) {
        tokio::task::yield_now().await;
        self.handle(&mut self.lock(), NodeEvent::Tick);
    }

    /// The node cannot go on; the first reason counts.
    pub(crate) fn stop(&self, reason: RunError) {
        self.fail(&mut self.lock(), reason);
    }

    fn fail(&self, locked: &mut Locked, reason: RunError) {
        if !locked.is_ending {
            locked.failure = Some(reason);
            locked.is_ending = true;
            self.stopped.cancel();
        }
    }

    /// Tells the core of what a sync has covered, if nobody has.
    fn tell_synced(&self, locked: &mut Locked) {
        let mark = self.synced.swap(0, Ordering::AcqRel);
        if mark > 0 {
            self.handle(locked, NodeEvent::Synced { mark: Mark(mark) });
        }
    }

    fn handle(&self, locked: &mut Locked, event: NodeEvent) {
        if locked.is_ending || self.stopped.is_cancelled() {
            return;
        }
        let _tell = TellOfPanic(&self.stopped);
        let mut effects = std::mem::take(&mut locked.effects);
        locked.teller.hears(&event);
        locked.node.handle(self.clock.now(), event, &self.store, &mut effects);
        locked.teller.has_handled(&locked.node);
        for effect in effects.drain(..) {
            self.carry_out(locked, effect);
        }
        locked.effects = effects;
        locked.links.follow_membership(&locked.node);
        let deadline = locked.node.next_deadline();
        if deadline
            .is_some_and(|deadline| locked.timer_at.is_none_or(|timer_at| deadline < timer_at))
        {
            locked.timer_at = deadline;
            self.earlier_deadline.notify_one();
        }
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
                Store::add(&mut locked.batch, &mutation);
                locked.mark = mark;
            }
            NodeEffect::Alarm(what) => error!("{what}"),
            NodeEffect::Stop(reason) => self.fail(locked, reason.into()),
            effect => locked.links.carry_out(effect),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(|_| panic!("the core broke an assertion before"))
    }

    /// Also after a panic of the core: what the lock holds of the links is whole.
    fn lock_anyhow(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of a panic while the core is at work.
struct TellOfPanic<'a>(&'a CancellationToken);

impl Drop for TellOfPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.cancel();
        }
    }
}
