//! The controller: the one authority that changes views (rule 1).
//!
//! ```text
//!             links, asks, reports              saved
//!   (state) ----------------------> deciding ---------> publish: views, then welcomes
//!      ^                                                     |
//!      +-----------------------------------------------------+
//! ```
//!
//! A change is decided on the published state only, made durable as a whole, and published after that. While a state
//! is being saved nothing is sent: what happens meanwhile changes what is known of the links, and is looked at when the
//! state has been saved. So there is one place that decides ([`decide`]) and one that speaks ([`publish`]), and both
//! look at levels, not at edges.
//!
//! What changes a view (rules 5 and 6):
//!
//! - *both → home only*: next is not linked, ends, or has a disk that does not answer, or home reports that it cannot
//!   reach next; and the grace period is over.
//! - *both → one*: the other copy's data is lost, or worth less: damaged, or not even read.
//! - *any → one*: an operator accepts what is lost with the other copy, and what this one cannot read.
//! - *home only → next only*: home's data is lost, and home never said that it acts on the view: it died, unnoticed,
//!   before that was decided. Next still has everything that anyone was told of.
//! - *home only → both*, *next only → both*: the donor asks, for this epoch, over its present link; the joiner it names is
//!   linked.
//!
//! The member in whose favour a member is dropped is linked, whole (or damaged, where the other one is no better), not ending, and
//! [alive now](alive).
//!
//! A view that was lost with the state file is [rebuilt](rebuild).

mod accept;
mod admission;
mod alive;
mod decide;
mod hear;
mod publish;
mod rebuild;

pub use accept::AcceptLossError;
pub(crate) use rebuild::Prospect;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, Epoch, GatewayBoot, Incarnation, PartitionId, Seq};
use protocol::message::{
    Ask, Condition, DiskState, ProbeNumber, Progress, Report, ToNode, Verdict,
};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::salvage::Salvage;
use protocol::view::Member;

use super::cluster_state::ClusterState;
use super::effect::GatewayEffect;
use super::published::{Published, Service};
use crate::link::LinkId;
use crate::placement::{Place, Ring};
use crate::store::SILENT_AFTER;
use crate::time::Time;

/// The controller of a cluster.
#[derive(Debug)]
pub(crate) struct Controller {
    ring: Ring,
    boot: GatewayBoot,
    /// The cluster's id if it has to be formed.
    new_cluster: ClusterId,
    /// How long nodes have to connect after the start, and after most links were lost at once.
    grace: Duration,
    /// No view shrinks before this.
    grace_until: Time,
    /// Durable, and what every peer may know.
    published: Option<ClusterState>,
    /// Decided; being made durable.
    saving: Option<ClusterState>,
    /// When the last save began.
    saving_since: Time,
    nodes: BTreeMap<Place, Node>,
    /// The number of the last loss that was noticed.
    losses: ProbeNumber,
    /// When the link of each node was lost, lately.
    links_lost: BTreeMap<Place, Time>,
    /// The nodes in whose favour a view could change, and that have not shown that they are alive.
    to_probe: BTreeSet<Place>,
    /// The asks that are not answered, by the link over which they came.
    asks: BTreeMap<PartitionId, (LinkId, Ask)>,
    /// The views *home only* that home has not said it acts on, and the next copies that were dropped for them: until it
    /// does, that copy has everything that anyone was told of.
    unheard: BTreeMap<PartitionId, (Epoch, Incarnation)>,
    /// The copies that an operator wants to go on with, whatever is lost with the others.
    accepted: BTreeMap<PartitionId, Member>,
    /// By whom each view is served, as it was told last.
    services: BTreeMap<PartitionId, Service>,
    /// The copies that have become whole: if an ask for one was refused, another is worth it.
    restored: BTreeSet<(PartitionId, Member)>,
}

/// What the controller knows of a node.
#[derive(Debug, Default)]
struct Node {
    link: Option<NodeLink>,
    progress: BTreeMap<Member, Progress>,
    /// The last entry that each copy was heard to have durable, with which data; whatever becomes of the link.
    durable: BTreeMap<Member, (Incarnation, Seq)>,
    /// What came of comparing each copy with the other one.
    compared: BTreeMap<Member, Verdict>,
    /// What each copy was last said to be worth, with which data; whatever becomes of the link.
    conditions: BTreeMap<Member, (Incarnation, Condition)>,
    /// The last salvage of each copy; whatever becomes of the link.
    salvages: BTreeMap<Member, Salvage>,
    /// What it said when it ended.
    last_words: Option<String>,
    /// The last loss there.
    loss: ProbeNumber,
}

/// A node's link.
#[derive(Debug)]
pub(crate) struct NodeLink {
    pub(crate) link: LinkId,
    pub(crate) hello: NodeHello,
    /// What it has said that it has.
    pub(crate) report: Option<Report>,
    /// What its copies are worth.
    conditions: BTreeMap<Member, Condition>,
    /// What each copy must have, by what was known before the node could say what it has.
    floors: BTreeMap<Member, Seq>,
    pub(crate) is_welcomed: bool,
    /// Home's node reports that it cannot reach next; for this epoch of its view.
    pub(crate) unreachable: Option<Epoch>,
    /// Whether its disk answers.
    pub(crate) disk: DiskState,
    /// The last probe that was sent over it.
    probed: ProbeNumber,
    /// The last probe that was answered.
    answered: ProbeNumber,
}

impl NodeLink {
    /// What a copy that it holds is worth.
    pub(crate) fn condition(&self, member: Member) -> Condition {
        self.conditions.get(&member).copied().unwrap_or_default()
    }
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
        // At the start every node is missing: whoever a view changes in favour of has to answer a probe.
        let losses = ProbeNumber(1);
        let missing = || Node { loss: losses, ..Node::default() };
        let nodes = ring.places().map(|place| (place, missing())).collect();
        Self {
            ring,
            boot,
            new_cluster,
            grace,
            grace_until: now + grace,
            published: saved,
            saving: None,
            saving_since: now,
            nodes,
            losses,
            links_lost: BTreeMap::new(),
            to_probe: BTreeSet::new(),
            asks: BTreeMap::new(),
            unheard: BTreeMap::new(),
            accepted: BTreeMap::new(),
            services: BTreeMap::new(),
            restored: BTreeSet::new(),
        }
    }

    /// What is published by the state that was found.
    pub(crate) fn published_at_start(&mut self) -> Vec<Published> {
        let mut published = Vec::new();
        self.publish_views(None, &mut Vec::new(), &mut published);
        published
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn state(&self) -> Option<&ClusterState> {
        self.published.as_ref()
    }

    pub(crate) fn grace_until(&self) -> Time {
        self.grace_until
    }

    /// The state that is decided and not durable.
    pub(crate) fn saving(&self) -> Option<&ClusterState> {
        self.saving.as_ref()
    }

    /// Whether the disk of the state answers: a save has not been under way for long.
    pub(crate) fn own_disk(&self, now: Time) -> DiskState {
        let is_silent = self.saving.is_some() && self.saving_since + SILENT_AFTER <= now;
        if is_silent { DiskState::Silent } else { DiskState::Answers }
    }

    pub(crate) fn linked(&self, place: Place) -> Option<&NodeLink> {
        self.nodes.get(&place)?.link.as_ref()
    }

    pub(crate) fn progress(&self, place: Place, member: Member) -> Option<Progress> {
        self.nodes.get(&place)?.progress.get(&member).copied()
    }

    /// What came of comparing a copy with the other one, as far as its node has said.
    pub(crate) fn compared(&self, place: Place, member: Member) -> Option<Verdict> {
        self.nodes.get(&place)?.compared.get(&member).copied()
    }

    /// What a node that is not linked said when it ended.
    pub(crate) fn last_words(&self, place: Place) -> Option<&str> {
        self.nodes.get(&place)?.last_words.as_deref()
    }

    fn welcomed(&self, place: Place) -> Option<&NodeLink> {
        self.linked(place).filter(|linked| linked.is_welcomed)
    }

    /// A node that has said what it has.
    fn reported(&self, place: Place) -> Option<&NodeLink> {
        self.linked(place).filter(|linked| linked.report.is_some())
    }

    pub(crate) fn place_of_link(&self, link: LinkId) -> Option<Place> {
        self.ring
            .places()
            .find(|place| self.linked(*place).is_some_and(|linked| linked.link == link))
    }

    /// A node that was [admitted](Self::admit) is linked. It takes the place of an older link of the same node, whose
    /// end is not a loss: no view shrinks for it. Returns that older link.
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
        let floors = self.floors(&hello, place);
        self.notice_lost_data(place, hello.incarnation);
        let node = self.nodes.entry(place).or_default();
        node.progress.clear();
        node.compared.clear();
        node.last_words = None;
        let linked = NodeLink {
            link,
            hello,
            report: None,
            conditions: BTreeMap::new(),
            floors,
            is_welcomed: false,
            unreachable: None,
            disk: DiskState::Answers,
            probed: ProbeNumber::default(),
            answered: ProbeNumber::default(),
        };
        let before = node.link.replace(linked)?.link;
        let refusal = Refusal::new(RefusalCode::Replaced, "the node has connected again");
        dismiss(before, refusal, effects);
        Some(before)
    }

    /// A link is gone.
    pub(crate) fn unlink(&mut self, now: Time, link: LinkId) -> Option<Place> {
        let place = self.place_of_link(link)?;
        self.nodes.entry(place).or_default().link = None;
        self.notice_lost_link(now, place);
        Some(place)
    }

    /// The state that was being saved is durable.
    pub(crate) fn saved(
        &mut self,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        let state = self.saving.take().unwrap_or_else(|| unreachable!("nothing was being saved"));
        let before = self.published.replace(state);
        self.publish_views(before.as_ref(), effects, published);
    }

    /// Decides and says whatever can be decided and said now.
    pub(crate) fn proceed(
        &mut self,
        now: Time,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        self.publish_services(published);
        if self.saving.is_some() {
            return;
        }
        let decided = self.decide(now, effects);
        self.send_probes(effects);
        if let Some(decided) = decided {
            self.saving = Some(decided.clone());
            self.saving_since = now;
            effects.push(GatewayEffect::Save(decided));
            return;
        }
        self.welcome_nodes(effects, published);
        for (partition, member) in std::mem::take(&mut self.restored) {
            if let Some(donor) = self.welcomed(self.ring.holder(partition, member.other())) {
                let message = ToNode::JoinerIsWhole { partition };
                effects.push(GatewayEffect::send(donor.link, message));
            }
        }
    }

    /// When to proceed at the latest.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        (now < self.grace_until).then_some(self.grace_until)
    }
}

fn protocol_error(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::ProtocolError, detail)
}

/// Tells a peer why its link ends, and ends it.
pub(crate) fn dismiss(link: LinkId, refusal: Refusal, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::send(link, ToNode::Goodbye(refusal.clone())));
    effects.push(GatewayEffect::Drop { link, refusal });
}
