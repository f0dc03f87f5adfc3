//! The driver: hands events to the core and carries out its effects.
//!
//! Whoever has an event (a REST handler, the reader of a link, the timer, a finished save) takes the lock, lets the core
//! handle it and carries out what comes of it, in order. None of that waits: sends go into queues, saves run apart. So a
//! request costs no hop to another task, and effects keep the order in which the core gave them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::ClusterStatus;
use link::Sender;
use process::threads::{Blocking, Threads};
use protocol::hello::NodeHello;
use protocol::id::{GatewayBoot, NodeId, PartitionId};
use protocol::message::{FromNode, ToNode};
use protocol::refusal::Refusal;
use protocol::view::View;
use ring_core::gateway::{
    AcceptLossError, ClientRequest, ClusterState, Gateway, GatewayEffect, GatewayEvent, Outcome,
    Ticket, Unavailable,
};
use ring_core::link::{LinkId, LinkIds};
use service::clock::Clock;
use service::shared::{Held, Shared};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::cluster_status;
use crate::state::{StateError, StateStore};
use crate::teller::{Teller, changed};

/// The core of a gateway, shared by all who have events for it.
pub(crate) struct Driver {
    shared: Shared<Locked>,
    clock: Clock,
    request_deadline: Duration,
    links: LinkIds,
    /// States to be saved, in order.
    to_save: mpsc::UnboundedSender<ClusterState>,
    /// Counts what observers would want to hear of.
    changes: watch::Sender<u64>,
    ended: CancellationToken,
}

/// Why the loss of updates is not accepted.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// There is nothing to accept.
    Loss(AcceptLossError),
    /// The gateway ends.
    Ending,
}

struct Locked {
    core: Gateway,
    teller: Teller,
    links: BTreeMap<LinkId, Sender<ToNode>>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Outcome>>,
    tickets: u64,
    effects: Vec<GatewayEffect>,
    /// The answer to the operator whose word is being handled.
    loss_accepted: Option<Result<(), AcceptLossError>>,
    /// Every request so far.
    #[cfg(test)]
    submitted: Vec<ClientRequest>,
    /// The gateway ends: nothing that happens from now on is for the core to act on.
    is_ending: bool,
}

impl Driver {
    /// A driver, and the states that it wants saved.
    pub(crate) fn new(
        core: Gateway,
        boot: GatewayBoot,
        clock: Clock,
        request_deadline: Duration,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ClusterState>) {
        let (to_save, saves) = mpsc::unbounded_channel();
        let locked = Locked {
            teller: Teller::new(boot, core.state()),
            core,
            links: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tickets: 0,
            effects: Vec::new(),
            loss_accepted: None,
            #[cfg(test)]
            submitted: Vec::new(),
            is_ending: false,
        };
        let driver = Self {
            shared: Shared::new(locked),
            clock,
            request_deadline,
            links: LinkIds::default(),
            to_save,
            changes: watch::Sender::new(0),
            ended: CancellationToken::new(),
        };
        (Arc::new(driver), saves)
    }

    /// Brings a client's request to its end; within the request deadline, or until the gateway ends.
    pub(crate) async fn request(&self, request: ClientRequest) -> Outcome {
        let (complete, completed) = oneshot::channel();
        let forgotten = match &request {
            ClientRequest::Read(_) => Outcome::NotDone(Unavailable::Ending),
            ClientRequest::Update(_) => Outcome::Unknown,
        };
        {
            let mut locked = self.shared.lock();
            if locked.is_ending {
                return Outcome::NotDone(Unavailable::Ending);
            }
            #[cfg(test)]
            locked.submitted.push(request.clone());
            locked.tickets += 1;
            let ticket = Ticket(locked.tickets);
            locked.waiting.insert(ticket, complete);
            let time_allowed = self.request_deadline;
            self.handle(&mut locked, [GatewayEvent::Submit { ticket, request, time_allowed }]);
        }
        // The core completes every request, unless the gateway ends before.
        completed.await.unwrap_or(forgotten)
    }

    /// The requests that were brought since this was asked last.
    #[cfg(test)]
    pub(crate) fn take_submitted(&self) -> Vec<ClientRequest> {
        std::mem::take(&mut self.shared.lock().submitted)
    }

    /// Judges a node that connects.
    pub(crate) fn admit(&self, hello: &NodeHello) -> Result<(), Refusal> {
        self.shared.lock().core.admit(hello)
    }

    /// A node is linked.
    pub(crate) fn node_linked(&self, sender: Sender<ToNode>, hello: NodeHello) -> LinkId {
        let link = self.links.next();
        let mut locked = self.shared.lock();
        locked.links.insert(link, sender);
        locked.teller.linked(link, &hello);
        self.handle(&mut locked, [GatewayEvent::NodeLinked { link, hello }]);
        link
    }

    /// A node says something.
    pub(crate) fn node_says(&self, link: LinkId, messages: Vec<FromNode>) {
        let events = messages.into_iter().map(|message| GatewayEvent::NodeSays { link, message });
        self.handle(&mut self.shared.lock(), events);
    }

    /// A frame of a node cannot be decoded.
    pub(crate) fn node_undecodable(&self, link: LinkId) {
        self.handle(&mut self.shared.lock(), [GatewayEvent::NodeUndecodable { link }]);
    }

    /// A node's link is gone.
    pub(crate) fn node_lost(&self, link: LinkId) {
        let mut locked = self.shared.lock();
        locked.links.remove(&link);
        locked.teller.unlinked(link);
        self.handle(&mut locked, [GatewayEvent::NodeLost { link }]);
    }

    /// What is known of the cluster.
    pub(crate) fn status(&self) -> ClusterStatus {
        let overview = self.shared.lock().core.overview(self.clock.now());
        cluster_status::of(overview)
    }

    /// How many requests of clients are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.lock().core.in_flight()
    }

    /// An operator wants a partition to go on with the copy of one node.
    pub(crate) fn accept_loss(
        &self,
        partition: PartitionId,
        node: &NodeId,
    ) -> Result<(), NotAccepted> {
        let mut locked = self.shared.lock();
        if locked.is_ending {
            return Err(NotAccepted::Ending);
        }
        let accept = GatewayEvent::AcceptLoss { partition, node: node.clone() };
        self.handle(&mut locked, [accept]);
        let accepted = locked.loss_accepted.take();
        accepted.unwrap_or_else(|| unreachable!("the core answers")).map_err(NotAccepted::Loss)?;
        warn!(%partition, %node, "an operator accepts that updates are lost: the partition goes on with what this node's copy can read");
        Ok(())
    }

    /// Changes whenever the cluster's status has.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Lets time pass, for as long as it is polled.
    pub(crate) async fn keep_time(&self) {
        loop {
            let clock = self.clock;
            let deadline = |locked: &Locked| {
                locked.core.next_deadline(clock.now()).filter(|_| !locked.is_ending)
            };
            self.shared.due(clock, deadline).await;
            self.handle(&mut self.shared.lock(), [GatewayEvent::Tick]);
        }
    }

    /// Saves what is to be saved, one state after the other, each within the deadline; returns when that fails.
    pub(crate) async fn keep_state(
        &self,
        mut saves: mpsc::UnboundedReceiver<ClusterState>,
        store: Arc<dyn StateStore>,
        threads: Arc<dyn Threads>,
        deadline: Duration,
    ) -> StateError {
        loop {
            let Some(state) = saves.recv().await else { return std::future::pending().await };
            let store = Arc::clone(&store);
            let save = threads.blocking_for(Blocking::Save, move || store.save(&state));
            let Ok(saved) = timeout(deadline, save).await else {
                return StateError::Silent(deadline);
            };
            match saved {
                Some(Ok(())) => self.handle(&mut self.shared.lock(), [GatewayEvent::Saved]),
                Some(Err(error)) => return error,
                None => unreachable!("the save has run"),
            }
        }
    }

    /// Closes every link and answers whoever waits. The core does not hear of that: to it these links would be lost, and views
    /// would shrink.
    pub(crate) fn end(&self, reason: &str) {
        let mut locked = self.shared.lock_anyhow();
        locked.is_ending = true;
        locked.waiting.clear();
        self.ended.cancel();
        locked.links.values().for_each(|sender| sender.close(reason));
    }

    /// Waits that long, or until the gateway ends.
    pub(crate) async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.ended()).await;
    }

    /// Returns once [`end`](Self::end) was called.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn handle(&self, held: &mut Held<'_, Locked>, events: impl IntoIterator<Item = GatewayEvent>) {
        let locked: &mut Locked = held;
        if locked.is_ending {
            return;
        }
        let now = self.clock.now();
        let mut effects = std::mem::take(&mut locked.effects);
        for event in events {
            let before = matches!(event, GatewayEvent::Saved).then(|| locked.published().to_vec());
            locked.teller.hears(&event);
            locked.core.handle(now, event, &mut effects);
            if let Some(before) = before {
                locked.teller.saved(&before, locked.published());
            }
            for effect in effects.drain(..) {
                self.carry_out(locked, effect);
            }
        }
        locked.effects = effects;
        let deadline = locked.core.next_deadline(now);
        held.set_timer(deadline);
    }

    fn carry_out(&self, locked: &mut Locked, effect: GatewayEffect) {
        locked.teller.carries_out(published(&locked.core), &effect);
        match effect {
            GatewayEffect::Send { link, message } => {
                if let Some(sender) = locked.links.get(&link) {
                    // A link that cannot take a message closes, and the core hears of that.
                    let _ = sender.send(&*message);
                }
            }
            GatewayEffect::SendAlone { link, message } => {
                if let Some(sender) = locked.links.get(&link) {
                    let _ = sender.send_alone(&*message);
                }
            }
            GatewayEffect::Defect(what) => error!("a defect, please report it: {what}"),
            GatewayEffect::Drop { link, refusal } => {
                info!(link = link.0, %refusal, "dropping a link");
                if let Some(sender) = locked.links.get(&link) {
                    sender.close(refusal.to_string());
                }
            }
            GatewayEffect::Save(state) => {
                for view in changed(locked.published(), &state.views) {
                    info!(partition = %view.partition, epoch = view.epoch.0, in_sync = %view.in_sync, "the view changes");
                }
                if self.to_save.send(state).is_err() {
                    error!("a state cannot be saved any more: the gateway is ending");
                }
            }
            GatewayEffect::Complete { ticket, outcome } => {
                if let Some(complete) = locked.waiting.remove(&ticket) {
                    // The client may have hung up.
                    let _ = complete.send(outcome);
                }
            }
            GatewayEffect::LossAccepted(accepted) => locked.loss_accepted = Some(accepted),
            GatewayEffect::Changed => {
                self.changes.send_modify(|count| *count = count.wrapping_add(1))
            }
        }
    }

    /// Returns once the core has panicked: what it knows is not to be relied on any more.
    pub(crate) async fn broken(&self) {
        self.shared.broken().await;
    }
}

impl Locked {
    fn published(&self) -> &[Option<View>] {
        published(&self.core)
    }
}

/// The views that may be known.
fn published(core: &Gateway) -> &[Option<View>] {
    core.state().map(|state| &state.views[..]).unwrap_or_default()
}
