//! A gateway: the controller, and after it the router.
//!
//! ```text
//!                         GatewayEvent                         GatewayEffect
//!                                          +-----------------+  --------------> to a node
//!  a node links, speaks ---------------->  | controller      |  --------------> save the state
//!  the state is saved ------------------>  |   | published   |  --------------> drop a link
//!  time has passed --------------------->  |   v views       |
//!  a client's request ------------------>  | router          |  --------------> to a node
//!                                          +-----------------+  --------------> a client's outcome
//! ```
//!
//! After most events the controller decides and sends first; then the router follows the published
//! views. So a view travels ahead of every request of its epoch on each link, and no request goes
//! to a node before its welcome. Requests, replies and undecodable frames go to the router alone,
//! because they change nothing in the controller's input. A tick goes to the router first.

mod accept_loss_error;
mod cluster_state;
mod controller;
mod effect;
mod event;
mod published;
mod request;
mod router;
mod settings;
mod status;

pub use accept_loss_error::AcceptLossError;
pub use cluster_state::{ClusterState, InvalidState, NodeState};
pub use effect::GatewayEffect;
pub use event::GatewayEvent;
pub use request::{ClientRequest, Outcome, RequestKind, ServedBy, Ticket, Unavailable};
pub use settings::{GatewaySettings, NodeLimits};
pub use status::{CopyOverview, NodeOverview, Overview, PartitionOverview};

use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, GatewayBoot};
use protocol::message::{DiskState, FromNode};
use protocol::refusal::{Refusal, RefusalCode};

use self::controller::{Controller, dismiss};
use self::published::Published;
use self::router::Router;
use self::status::Reporter;
use crate::link::LinkId;
use crate::placement::Ring;
use crate::time::{STANDSTILL, Time, earliest};

/// One gateway, without its I/O.
#[derive(Debug)]
pub struct Gateway {
    controller: Controller,
    router: Router,
    last_event_at: Time,
    /// Whether the disk of the state answers, as last signalled by [`GatewayEffect::Changed`].
    own_disk: DiskState,
}

/// The longest time between two events of a gateway.
const TICK: Duration = Duration::from_millis(500);

impl Gateway {
    /// Starts a gateway. `saved` is the state found on disk. `new_cluster` is the id for a
    /// cluster formed by this gateway.
    ///
    /// The state must be durable (rule 11): a driver syncs the state before it hands it in.
    ///
    /// # Errors
    ///
    /// When the saved state is invalid or belongs to another ring.
    pub fn recovered(
        ring: Ring,
        boot: GatewayBoot,
        new_cluster: ClusterId,
        saved: Option<ClusterState>,
        settings: &GatewaySettings,
        now: Time,
    ) -> Result<Self, RecoverError> {
        if let Some(state) = &saved {
            let known = state.validate()?;
            if known != ring {
                return Err(RecoverError::OtherRing { known, wanted: ring });
            }
        }
        let router = Router::new(ring.clone(), boot, settings, now + settings.grace);
        let mut controller = Controller::new(ring, boot, new_cluster, saved, settings.grace, now);
        let published = controller.published_at_start();
        let own_disk = DiskState::Answers;
        let mut gateway = Self { controller, router, last_event_at: now, own_disk };
        gateway.router.follow(now, &published, &mut Vec::new());
        Ok(gateway)
    }

    /// Judges a node that connects. [`GatewayEvent::NodeLinked`] judges again, because another
    /// node may have connected in between.
    ///
    /// # Errors
    ///
    /// The reason of the refusal, in words for the node's operator.
    pub fn admit(&self, hello: &NodeHello) -> Result<(), Refusal> {
        self.controller.admit(hello)
    }

    /// The published state of the cluster; none before there is one.
    pub fn state(&self) -> Option<&ClusterState> {
        self.controller.state()
    }

    /// The overview of the cluster.
    pub fn overview(&self, now: Time) -> Overview {
        Reporter { controller: &self.controller, now }.overview()
    }

    /// Handles an event, and adds the work for the driver to `effects`.
    pub fn handle(&mut self, now: Time, event: GatewayEvent, effects: &mut Vec<GatewayEffect>) {
        if now.since(std::mem::replace(&mut self.last_event_at, now)) > STANDSTILL {
            self.controller.begin_grace(now);
            self.router.wait_for_nodes_until(self.controller.grace_until());
        }
        let mut published = Vec::new();
        match event {
            GatewayEvent::Submit { ticket, request, time_allowed } => {
                // The hot path: this event changes nothing in the controller's input.
                self.router.submit(now, ticket, request, time_allowed, effects);
                return;
            }
            GatewayEvent::NodeSays { link, message: FromNode::Reply { call, reply } } => {
                self.router.reply(now, link, call, reply, effects);
                return;
            }
            GatewayEvent::NodeSays { link, message: FromNode::Undecodable { understood } } => {
                self.router.undecodable(link, understood, effects);
                return;
            }
            GatewayEvent::NodeSays { link, message } => self.hear(now, link, message, effects),
            GatewayEvent::NodeLinked { link, hello } => {
                let replaced = self.controller.link(link, hello, effects);
                if let Some(place) = self.controller.nodes().place_of_link(link) {
                    self.router.arriving(place, link);
                }
                if let Some(before) = replaced {
                    self.router.link_lost(now, before, effects);
                }
                effects.push(GatewayEffect::Changed);
            }
            GatewayEvent::NodeUndecodable { link } => {
                let refusal = Refusal::new(RefusalCode::ProtocolError, "a frame cannot be decoded");
                dismiss(link, refusal, effects);
                self.unlink(now, link, effects);
            }
            GatewayEvent::NodeLost { link } => self.unlink(now, link, effects),
            GatewayEvent::Saved => {
                self.controller.saved(effects, &mut published);
                effects.push(GatewayEffect::Changed);
            }
            GatewayEvent::AcceptLoss { partition, node } => {
                let accepted = self.controller.accept_loss(partition, &node);
                effects.push(GatewayEffect::LossAccepted(accepted));
            }
            GatewayEvent::Tick => self.router.tick(now, effects),
        }
        self.proceed(now, published, effects);
    }

    /// Handles a message of a node about itself.
    fn hear(
        &mut self,
        now: Time,
        link: LinkId,
        message: FromNode,
        effects: &mut Vec<GatewayEffect>,
    ) {
        let disk = if let FromNode::Disk(disk) = message { Some(disk) } else { None };
        if let Err(refusal) = self.controller.hear(link, message) {
            dismiss(link, refusal, effects);
            self.unlink(now, link, effects);
        } else if let Some(disk) = disk {
            self.router.disk_changed(now, link, disk, effects);
            effects.push(GatewayEffect::Changed);
        }
    }

    /// Lets the controller decide and send, then lets the router follow.
    fn proceed(
        &mut self,
        now: Time,
        mut published: Vec<Published>,
        effects: &mut Vec<GatewayEffect>,
    ) {
        self.controller.proceed(now, effects, &mut published);
        let own_disk = self.controller.own_disk(now);
        if std::mem::replace(&mut self.own_disk, own_disk) != own_disk {
            effects.push(GatewayEffect::Changed);
        }
        self.router.follow(now, &published, effects);
    }

    /// The latest time for the next [`GatewayEvent::Tick`].
    pub fn next_deadline(&self, now: Time) -> Option<Time> {
        let tick = Some(self.last_event_at + TICK);
        earliest([self.controller.deadline(now), self.router.deadline(), tick])
    }

    /// Whether the controller has decided a state that is not durable yet.
    pub fn is_saving(&self) -> bool {
        self.controller.is_saving()
    }

    /// The number of client requests under way.
    pub fn in_flight(&self) -> usize {
        self.router.in_flight()
    }

    fn unlink(&mut self, now: Time, link: LinkId, effects: &mut Vec<GatewayEffect>) {
        if self.controller.unlink(now, link).is_some() {
            self.router.wait_for_nodes_until(self.controller.grace_until());
            self.router.link_lost(now, link, effects);
            effects.push(GatewayEffect::Changed);
        }
    }
}

/// Why a gateway cannot start from the state on its disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The state is damaged.
    #[error("the cluster state is not usable: {0}")]
    Invalid(#[from] InvalidState),
    /// The configured ring differs from the ring of the cluster's formation.
    #[error(
        "the cluster was formed with the nodes {known}, and the gateway is told {wanted}: the ring cannot be changed, start \
         the gateway with the nodes and the order of its formation"
    )]
    OtherRing {
        /// The ring of the state.
        known: Ring,
        /// The ring of the configuration.
        wanted: Ring,
    },
}
