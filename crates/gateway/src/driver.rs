//! The driver: hands events to the core and carries out its effects.
//!
//! A REST handler, the reader of a link, the timer or a finished save brings an event. It takes
//! the lock, lets the core handle the event, and carries out the effects in order. No step
//! waits: sends go into queues, and saves run apart. So a request costs no hop to another task,
//! and effects keep the core's order.

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

/// The core of a gateway, shared by all sources of events.
pub(crate) struct Driver {
    shared: Shared<Locked>,
    clock: Clock,
    request_deadline: Duration,
    links: LinkIds,
    /// The states to save, in order.
    to_save: mpsc::UnboundedSender<ClusterState>,
    /// Counts the changes of interest to observers.
    changes: watch::Sender<u64>,
    ended: CancellationToken,
}

/// Why the loss of updates is not accepted.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// The core refuses: there is no loss to accept.
    Loss(AcceptLossError),
    /// The gateway is ending.
    Ending,
}

struct Locked {
    core: Gateway,
    teller: Teller,
    links: BTreeMap<LinkId, Sender<ToNode>>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Outcome>>,
    tickets: u64,
    effects: Vec<GatewayEffect>,
    /// The answer to the operator's request under way.
    loss_accepted: Option<Result<(), AcceptLossError>>,
    /// Every request so far.
    #[cfg(test)]
    submitted: Vec<ClientRequest>,
    /// The gateway is ending: the core must not act on any later event.
    is_ending: bool,
}

impl Driver {
    /// Creates a driver, and the queue of states to save.
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

    /// Carries a client's request to its end. Returns within the request deadline, or when the
    /// gateway ends.
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
        // The core completes every request, unless the gateway ends first.
        completed.await.unwrap_or(forgotten)
    }

    /// The requests since the last call of this function.
    #[cfg(test)]
    pub(crate) fn take_submitted(&self) -> Vec<ClientRequest> {
        std::mem::take(&mut self.shared.lock().submitted)
    }

    /// Admits or refuses a connecting node.
    pub(crate) fn admit(&self, hello: &NodeHello) -> Result<(), Refusal> {
        self.shared.lock().core.admit(hello)
    }

    /// Handles a new link of a node.
    pub(crate) fn node_linked(&self, sender: Sender<ToNode>, hello: NodeHello) -> LinkId {
        let link = self.links.next();
        let mut locked = self.shared.lock();
        locked.links.insert(link, sender);
        locked.teller.linked(link, &hello);
        self.handle(&mut locked, [GatewayEvent::NodeLinked { link, hello }]);
        link
    }

    /// Handles messages of a node.
    pub(crate) fn node_says(&self, link: LinkId, messages: Vec<FromNode>) {
        let events = messages.into_iter().map(|message| GatewayEvent::NodeSays { link, message });
        self.handle(&mut self.shared.lock(), events);
    }

    /// Handles an undecodable frame of a node.
    pub(crate) fn node_undecodable(&self, link: LinkId) {
        self.handle(&mut self.shared.lock(), [GatewayEvent::NodeUndecodable { link }]);
    }

    /// Handles the loss of a node's link.
    pub(crate) fn node_lost(&self, link: LinkId) {
        let mut locked = self.shared.lock();
        locked.links.remove(&link);
        locked.teller.unlinked(link);
        self.handle(&mut locked, [GatewayEvent::NodeLost { link }]);
    }

    /// The cluster's status.
    pub(crate) fn status(&self) -> ClusterStatus {
        let overview = self.shared.lock().core.overview(self.clock.now());
        cluster_status::of(overview)
    }

    /// The number of client requests under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.lock().core.in_flight()
    }

    /// Handles an operator's wish: let a partition go on with the copy of one node.
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

    /// A counter. It changes with every change of the cluster's status.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Sends ticks to the core when its deadlines pass. Runs while it is polled.
    pub(crate) async fn keep_time(&self) {
        loop {
            let clock = &self.clock;
            let deadline = |locked: &Locked| {
                locked.core.next_deadline(clock.now()).filter(|_| !locked.is_ending)
            };
            self.shared.due(clock, deadline).await;
            self.handle(&mut self.shared.lock(), [GatewayEvent::Tick]);
        }
    }

    /// Saves the queued states one after the other, each within the deadline. Returns when a
    /// save fails.
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

    /// Closes every link and answers every waiting request. The core does not hear of it: it
    /// would take these links as lost, and shrink views.
    pub(crate) fn end(&self, reason: &str) {
        let mut locked = self.shared.lock_anyhow();
        locked.is_ending = true;
        locked.waiting.clear();
        self.ended.cancel();
        locked.links.values().for_each(|sender| sender.close(reason));
    }

    /// Waits for this time, or until the gateway ends.
    pub(crate) async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.ended()).await;
    }

    /// Returns after a call of [`end`](Self::end).
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
                    // If a link cannot take a message, it closes, and the core hears of that.
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

    /// Returns when the core has panicked. Its state must not be used any more.
    pub(crate) async fn broken(&self) {
        self.shared.broken().await;
    }
}

impl Locked {
    fn published(&self) -> &[Option<View>] {
        published(&self.core)
    }
}

/// The published views.
fn published(core: &Gateway) -> &[Option<View>] {
    core.state().map(|state| &state.views[..]).unwrap_or_default()
}
