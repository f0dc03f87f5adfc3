//! The controller: the one authority that changes views (rule 1).
//!
//! ```text
//!             links, asks, reports              saved
//!   (state) ----------------------> deciding ---------> publish: views, then welcomes
//!      ^                                                     |
//!      +-----------------------------------------------------+
//! ```
//!
//! A change is decided on the published state only, made durable as a whole, and published after
//! that. While a state is being saved nothing is sent: what happens meanwhile changes what is known
//! of the links, and is looked at when the state has been saved. So there is one place that decides
//! ([`decide`]) and one that speaks ([`publish`]), and both look at levels, not at edges.
//!
//! What changes a view (rules 5 and 6):
//!
//! - *both → home only*: next is not linked, ends, or has a disk that does not answer, or home
//!   reports that it cannot reach next; and the grace period is over.
//! - *both → one*: the other copy's data is lost, or worth less: damaged, or not even read.
//! - *any → one*: an operator accepts what is lost with the other copy, and what this one cannot
//!   read.
//! - *home only → next only*: home's data is lost, and home never said that it acts on the view: it
//!   died, unnoticed, before that was decided. Next still has everything that anyone was told of.
//! - *home only → both*, *next only → both*: the donor asks, for this epoch, over its present link;
//!   the joiner it names is linked.
//!
//! The member in whose favour a member is dropped is linked, whole (or damaged, where the other one
//! is no better), not ending, and [alive now](alive).
//!
//! A view that was lost with the state file is [rebuilt](rebuild).

mod accept;
mod admission;
mod alive;
pub(crate) mod copies;
mod decide;
mod grace;
mod hear;
pub(crate) mod nodes;
mod publish;
pub(crate) mod rebuild;
mod states;
mod unheard;

use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, GatewayBoot, NodeId, PartitionId};
use protocol::message::{DiskState, FromNode, ToNode};
use protocol::refusal::{Refusal, RefusalCode};

use self::admission::Admitting;
use self::alive::{LinksLost, NoticedLosses};
use self::copies::Copies;
use self::decide::{Accepted, Asks, Deciding};
use self::grace::Grace;
use self::hear::Hearing;
use self::nodes::{KnownNodes, NodeLink};
use self::publish::{Publishing, Restored, Services};
use self::states::States;
use self::unheard::Unheard;
use super::accept_loss_error::AcceptLossError;
use super::cluster_state::ClusterState;
use super::effect::GatewayEffect;
use super::published::Published;
use crate::link::LinkId;
use crate::placement::{Place, Ring};
use crate::time::Time;

/// The controller of a cluster.
#[derive(Debug)]
pub(crate) struct Controller {
    ring: Ring,
    boot: GatewayBoot,
    /// The cluster's id if it has to be formed.
    new_cluster: ClusterId,
    grace: Grace,
    states: States,
    nodes: KnownNodes,
    losses: NoticedLosses,
    asks: Asks,
    unheard: Unheard,
    accepted: Accepted,
    services: Services,
    restored: Restored,
}

impl Controller {
    pub(crate) fn new(
        ring: Ring,
        boot: GatewayBoot,
        new_cluster: ClusterId,
        saved: Option<ClusterState>,
        grace: Duration,
        now: Time,
    ) -> Self {
        let losses = NoticedLosses::at_start();
        Self {
            nodes: KnownNodes::missing(&ring, losses.last()),
            ring,
            boot,
            new_cluster,
            grace: Grace::from(now, grace),
            states: States::recovered(saved, now),
            losses,
            asks: Asks::new(),
            unheard: Unheard::default(),
            accepted: Accepted::new(),
            services: Services::new(),
            restored: Restored::new(),
        }
    }

    /// What is published by the state that was found.
    pub(crate) fn published_at_start(&mut self) -> Vec<Published> {
        let mut published = Vec::new();
        self.publishing(&mut Vec::new(), &mut published).publish_views(None);
        published
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The published state.
    pub(crate) fn state(&self) -> Option<&ClusterState> {
        self.states.published()
    }

    /// What is known of the nodes.
    pub(crate) fn nodes(&self) -> &KnownNodes {
        &self.nodes
    }

    /// What is known of the copies.
    pub(crate) fn copies(&self) -> Copies<'_> {
        let Self { ring, states, nodes, unheard, .. } = self;
        Copies { ring, published: states.published(), nodes, unheard }
    }

    /// No view shrinks before this.
    pub(crate) fn grace_until(&self) -> Time {
        self.grace.until()
    }

    /// From now on nodes have time to connect before a view shrinks.
    pub(crate) fn begin_grace(&mut self, now: Time) {
        self.grace.begin(now);
    }

    /// Whether a state is decided and not durable.
    pub(crate) fn is_saving(&self) -> bool {
        self.states.is_saving()
    }

    /// Whether the disk of the state answers.
    pub(crate) fn own_disk(&self, now: Time) -> DiskState {
        self.states.disk(now)
    }

    /// Judges a node that connects.
    ///
    /// # Errors
    ///
    /// Why it is turned away, in words for its operator.
    pub(crate) fn admit(&self, hello: &NodeHello) -> Result<(), Refusal> {
        self.admission().admit(hello)
    }

    /// A node that was [admitted](Self::admit) is linked. It takes the place of an older link of
    /// the same node, whose end is not a loss: no view shrinks for it. Returns that older link.
    pub(crate) fn link(
        &mut self,
        link: LinkId,
        hello: NodeHello,
        effects: &mut Vec<GatewayEffect>,
    ) -> Option<LinkId> {
        if let Err(refusal) = self.admit(&hello) {
            dismiss(link, refusal, effects);
            return None;
        }
        let place =
            self.ring.place_of(&hello.node).unwrap_or_else(|| unreachable!("it was admitted"));
        let floors = self.admission().floors(&hello, place);
        if !self.admission().is_all_there(place, hello.incarnation) {
            self.losses.notice(&mut self.nodes, place);
        }
        let node = self.nodes.get_mut(place);
        node.progress.clear();
        node.compared.clear();
        node.last_words = None;
        let before = node.link.replace(NodeLink::new(link, hello, floors))?.link;
        let refusal = Refusal::new(RefusalCode::Replaced, "the node has connected again");
        dismiss(before, refusal, effects);
        Some(before)
    }

    /// A link is gone. Where those of most nodes are lost at once, nodes get time to connect.
    pub(crate) fn unlink(&mut self, now: Time, link: LinkId) -> Option<Place> {
        let place = self.nodes.place_of_link(link)?;
        self.nodes.get_mut(place).link = None;
        let Self { ring, nodes, losses, .. } = self;
        if losses.notice_link(nodes, ring, now, place) == LinksLost::Most {
            self.grace.begin(now);
        }
        Some(place)
    }

    /// A message from a node that is not a reply.
    pub(crate) fn hear(&mut self, link: LinkId, message: FromNode) -> Result<(), Refusal> {
        let Self { ring, states, nodes, losses, asks, unheard, restored, .. } = self;
        Hearing { ring, states, nodes, losses, asks, unheard, restored }.hear(link, message)
    }

    /// An operator wants a partition to go on with the copy of one node, whatever is lost with the
    /// other.
    pub(crate) fn accept_loss(
        &mut self,
        partition: PartitionId,
        node: &NodeId,
    ) -> Result<(), AcceptLossError> {
        let member = self.copies().acceptable(partition, node)?;
        self.accepted.insert(partition, member);
        Ok(())
    }

    /// The state that was being saved is durable.
    pub(crate) fn saved(
        &mut self,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        let before = self.states.saved();
        self.publishing(effects, published).publish_views(before.as_ref());
    }

    /// Decides and says whatever can be decided and said now.
    pub(crate) fn proceed(
        &mut self,
        now: Time,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        self.publishing(effects, published).publish_services();
        if self.is_saving() {
            return;
        }
        let decided = self.deciding().decide(now, effects);
        self.losses.send_probes(&mut self.nodes, effects);
        if let Some(decided) = decided {
            self.states.save(now, decided.clone());
            effects.push(GatewayEffect::Save(decided));
            return;
        }
        let restored = std::mem::take(&mut self.restored);
        let mut publishing = self.publishing(effects, published);
        publishing.welcome_nodes();
        publishing.tell_restored(restored);
    }

    /// When to proceed at the latest.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        let until = self.grace.until();
        (now < until).then_some(until)
    }

    fn admission(&self) -> Admitting<'_> {
        let Self { ring, states, nodes, .. } = self;
        Admitting { ring, states, nodes }
    }

    fn deciding(&mut self) -> Deciding<'_> {
        let Self { ring, boot, new_cluster, grace, states, .. } = self;
        Deciding {
            ring,
            boot: *boot,
            new_cluster: *new_cluster,
            grace,
            published: states.published(),
            nodes: &mut self.nodes,
            losses: &mut self.losses,
            asks: &mut self.asks,
            unheard: &mut self.unheard,
            accepted: &mut self.accepted,
        }
    }

    fn publishing<'a>(
        &'a mut self,
        effects: &'a mut Vec<GatewayEffect>,
        published: &'a mut Vec<Published>,
    ) -> Publishing<'a> {
        let Self { ring, boot, states, nodes, unheard, services, .. } = self;
        let (boot, state) = (*boot, states.published());
        Publishing { ring, boot, state, nodes, unheard, services, effects, published }
    }
}

/// Tells a peer why its link ends, and ends it.
pub(crate) fn dismiss(link: LinkId, refusal: Refusal, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::send(link, ToNode::Goodbye(refusal.clone())));
    effects.push(GatewayEffect::Drop { link, refusal });
}
