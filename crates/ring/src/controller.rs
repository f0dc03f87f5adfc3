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
//! - *both → home only*: next is not linked, or home reports that it cannot reach next; home is linked; the grace period
//!   after the gateway's start is over.
//! - *both → next only*: home's data is lost.
//! - *both → one*: the other copy is damaged, and this one is whole and its node linked.
//! - *home only → next only*: home's data is lost, and it never said that it acts on the view: it died, unnoticed, before
//!   that was decided, so next has everything that anyone was told of.
//! - *home only → both*, *next only → both*: the donor asks, for this epoch, over its present link; the joiner it names is
//!   linked.
//!
//! A view that was lost with the state file is [rebuilt](rebuild).

mod admission;
mod decide;
mod rebuild;
mod state;

pub(crate) use rebuild::Prospect;

pub use state::{ClusterState, InvalidState, NodeState};

use std::collections::{BTreeMap, BTreeSet};

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Seq};
use protocol::message::{
    Ask, Condition, FromNode, Neighbour, Progress, Report, ToNode, Verdict, Welcome,
};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use crate::gateway::GatewayEffect;
use crate::link::LinkId;
use crate::placement::{Place, Ring};
use crate::time::Time;

/// So much is kept of what a node says when it ends.
const LAST_WORDS_BYTES_MAX: usize = 1024;

/// The controller of a cluster.
#[derive(Debug)]
pub(crate) struct Controller {
    ring: Ring,
    boot: GatewayBoot,
    /// The cluster's id if it has to be formed.
    new_cluster: ClusterId,
    /// No view shrinks before this.
    grace_until: Time,
    /// Durable, and what every peer may know.
    published: Option<ClusterState>,
    /// Decided; being made durable.
    saving: Option<ClusterState>,
    nodes: BTreeMap<Place, Node>,
    /// The asks that are not answered, by the link over which they came.
    asks: BTreeMap<PartitionId, (LinkId, Ask)>,
    /// The views *home only* that home has not said it acts on, and the next copies that were dropped for them: until it
    /// does, that copy has everything that anyone was told of.
    unheard: BTreeMap<PartitionId, (Epoch, Incarnation)>,
    /// The copies that an operator wants to go on with, whatever is lost with the others.
    accepted: BTreeMap<PartitionId, Member>,
    /// The copies that have become whole: if an ask for one was refused, another is worth it.
    restored: BTreeSet<(PartitionId, Member)>,
}

/// What the controller knows of a node.
#[derive(Debug, Default)]
struct Node {
    link: Option<Linked>,
    progress: BTreeMap<Member, Progress>,
    /// The last entry that each copy was heard to have durable, with which data; whatever becomes of the link.
    durable: BTreeMap<Member, (Incarnation, Seq)>,
    /// What came of comparing each copy with the other one.
    compared: BTreeMap<Member, Verdict>,
    /// What it said when it ended.
    last_words: Option<String>,
}

/// A node's link.
#[derive(Debug)]
pub(crate) struct Linked {
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
}

/// What the controller has published, for the router to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    /// A node was welcomed: requests may be sent to it.
    Welcomed(Place, LinkId),
    /// A view changed, or was made, or what can be served under it.
    View(View, Service),
    /// The view of a partition is not known any more.
    Unknown(PartitionId),
}

/// Whether a partition can be served under its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// By the copies in sync.
    Available,
    /// The only copy in sync is gone with its data.
    Lost,
}

/// Why an operator's word on a partition is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptLossError {
    /// There is no such partition.
    #[error("there is no partition {0}")]
    NoPartition(PartitionId),
    /// Nothing is lost there.
    #[error("{0} is not lost: what is in sync has its data, and is served when its node is linked")]
    NotLost(PartitionId),
    /// The copy is not there.
    #[error("{0} is not linked: start it, or name the other node of the partition")]
    NotLinked(NodeId),
    /// The copy holds a part of what it should.
    #[error(
        "the copy on {0} is only partly restored: name the other node, or start this one with an empty data directory to \
         begin with no users at all"
    )]
    NotWhole(NodeId),
    /// The node holds no copy of it.
    #[error("{node} holds no copy of {partition}: name one of {holders}")]
    NoCopy {
        /// The node.
        node: NodeId,
        /// The partition.
        partition: PartitionId,
        /// Who holds one.
        holders: String,
    },
}

impl Linked {
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
        grace_until: Time,
    ) -> Self {
        let nodes = ring.places().map(|place| (place, Node::default())).collect();
        Self {
            ring,
            boot,
            new_cluster,
            grace_until,
            published: saved,
            saving: None,
            nodes,
            asks: BTreeMap::new(),
            unheard: BTreeMap::new(),
            accepted: BTreeMap::new(),
            restored: BTreeSet::new(),
        }
    }

    /// What is published by the state that was found.
    pub(crate) fn published_at_start(&self) -> Vec<Published> {
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

    pub(crate) fn linked(&self, place: Place) -> Option<&Linked> {
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

    fn welcomed(&self, place: Place) -> Option<&Linked> {
        self.linked(place).filter(|linked| linked.is_welcomed)
    }

    /// A node that has said what it has.
    fn reported(&self, place: Place) -> Option<&Linked> {
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
        let node = self.nodes.entry(place).or_default();
        node.progress.clear();
        node.compared.clear();
        node.last_words = None;
        let linked = Linked {
            link,
            hello,
            report: None,
            conditions: BTreeMap::new(),
            floors,
            is_welcomed: false,
            unreachable: None,
        };
        let before = node.link.replace(linked)?.link;
        let refusal = Refusal::new(RefusalCode::Replaced, "the node has connected again");
        dismiss(before, refusal, effects);
        Some(before)
    }

    /// A link is gone.
    pub(crate) fn unlink(&mut self, link: LinkId) -> Option<Place> {
        let place = self.place_of_link(link)?;
        self.nodes.entry(place).or_default().link = None;
        Some(place)
    }

    /// A message from a node that is not a reply. Of links that are gone nothing is heard any more.
    pub(crate) fn hear(&mut self, link: LinkId, message: FromNode) -> Result<(), Refusal> {
        let Some(place) = self.place_of_link(link) else { return Ok(()) };
        self.judge(place, &message)?;
        self.take(place, message);
        Ok(())
    }

    /// Whether a node may say this now, and of a copy that it has.
    fn judge(&self, place: Place, message: &FromNode) -> Result<(), Refusal> {
        let Some(linked) = self.linked(place) else { return Ok(()) };
        let of_member = |partition: PartitionId, members: &[Member]| {
            let holds = |member: &Member| self.ring.partition_at(place, *member) == partition;
            let detail =
                || format!("{} speaks of {partition}, which is not its", linked.hello.node);
            if members.iter().any(holds) { Ok(()) } else { Err(protocol_error(detail())) }
        };
        match message {
            FromNode::Report(report) if linked.report.is_none() => {
                self.admit_report(linked, place, report)
            }
            FromNode::Report(_) => Err(protocol_error("a second report")),
            FromNode::Goodbye(_) => Ok(()),
            _ if !linked.is_welcomed => Err(protocol_error("a message before the welcome")),
            FromNode::Ask(Ask { partition, .. })
            | FromNode::Condition { partition, .. }
            | FromNode::Compared { partition, .. } => of_member(*partition, &Member::ALL),
            FromNode::ServesAlone { partition, .. }
            | FromNode::NextUnreachable { partition, .. }
            | FromNode::NextReachable { partition } => of_member(*partition, &[Member::Home]),
            FromNode::Progress(Progress { partition, member, .. }) => {
                of_member(*partition, &[*member])
            }
            FromNode::Reply { .. } => unreachable!("replies are the router's"),
        }
    }

    /// Remembers what a node says, after it was judged.
    fn take(&mut self, place: Place, message: FromNode) {
        let home_of = self.ring.partition_at(place, Member::Home);
        let member_of = |partition| if partition == home_of { Member::Home } else { Member::Next };
        let node = self.nodes.entry(place).or_default();
        let Some(linked) = node.link.as_mut() else { return };
        match message {
            FromNode::Report(report) => {
                let condition = |member: Member| (member, report.copy(member).condition);
                linked.conditions = Member::ALL.into_iter().map(condition).collect();
                linked.report = Some(report);
            }
            FromNode::Ask(ask) => {
                self.asks.insert(ask.partition, (linked.link, ask));
            }
            FromNode::ServesAlone { partition, epoch } => {
                if self.unheard.get(&partition).is_some_and(|(of, _)| *of <= epoch) {
                    self.unheard.remove(&partition);
                }
            }
            FromNode::NextUnreachable { epoch, .. } => linked.unreachable = Some(epoch),
            FromNode::NextReachable { .. } => linked.unreachable = None,
            FromNode::Condition { partition, condition } => {
                let member = member_of(partition);
                linked.conditions.insert(member, condition);
                if condition == Condition::Whole {
                    self.restored.insert((partition, member));
                } else {
                    // It is to be replaced, by what may be less.
                    node.durable.remove(&member);
                }
            }
            FromNode::Compared { partition, verdict } => {
                node.compared.insert(member_of(partition), verdict);
            }
            FromNode::Progress(progress) => {
                if progress.condition == Condition::Whole {
                    let durable = (linked.hello.incarnation, progress.durable);
                    node.durable.insert(progress.member, durable);
                }
                node.progress.insert(progress.member, progress);
            }
            FromNode::Goodbye(mut reason) => {
                reason.truncate(reason.floor_char_boundary(LAST_WORDS_BYTES_MAX));
                node.last_words = Some(reason);
            }
            FromNode::Reply { .. } => {}
        }
    }

    /// An operator wants a partition to go on with the copy of one node, whatever is lost with the other.
    pub(crate) fn accept_loss(
        &mut self,
        partition: PartitionId,
        node: &NodeId,
    ) -> Result<(), AcceptLossError> {
        let Some(state) = &self.published else {
            return Err(AcceptLossError::NoPartition(partition));
        };
        if usize::from(partition.0) >= self.ring.size() {
            return Err(AcceptLossError::NoPartition(partition));
        }
        let holder = |member| self.ring.holder(partition, member);
        let place = self.ring.place_of(node);
        let Some(member) = Member::ALL.into_iter().find(|member| Some(holder(*member)) == place)
        else {
            let name = |member| self.ring.node_at(holder(member)).as_str();
            let holders = format!("{}, {}", name(Member::Home), name(Member::Next));
            return Err(AcceptLossError::NoCopy { node: node.clone(), partition, holders });
        };
        if !self.is_in_want(state, partition) {
            return Err(AcceptLossError::NotLost(partition));
        }
        match self.reported(holder(member)) {
            None => Err(AcceptLossError::NotLinked(node.clone())),
            Some(linked) if linked.condition(member) == Condition::Partial => {
                Err(AcceptLossError::NotWhole(node.clone()))
            }
            Some(_) => {
                self.accepted.insert(partition, member);
                Ok(())
            }
        }
    }

    /// Whether a partition cannot go on, or not with all that it had, without an operator's word.
    fn is_in_want(&self, state: &ClusterState, partition: PartitionId) -> bool {
        let Some(view) = state.view(partition) else { return true };
        state.is_lost(&self.ring, partition) || self.sole_is_damaged(view)
    }

    /// Whether the only copy in sync is there, and is not whole.
    pub(crate) fn sole_is_damaged(&self, view: &View) -> bool {
        let Some((member, incarnation)) = view.in_sync.sole() else { return false };
        let linked = self.reported(self.ring.holder(view.partition, member));
        linked.is_some_and(|linked| {
            linked.hello.incarnation == incarnation && linked.condition(member) != Condition::Whole
        })
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
        if self.saving.is_some() {
            return;
        }
        if let Some(decided) = self.decide(now, effects) {
            self.saving = Some(decided.clone());
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

    fn publish_views(
        &self,
        before: Option<&ClusterState>,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        let Some(state) = &self.published else { return };
        for partition in self.ring.places().map(Place::partition) {
            let known = before.and_then(|before| before.view(partition));
            let Some(view) = state.view(partition) else {
                if before.is_none() || known.is_some() {
                    published.push(Published::Unknown(partition));
                }
                continue;
            };
            let service = self.service(state, partition);
            let served_before = before.map(|before| self.service(before, partition));
            if known != Some(view) || served_before != Some(service) {
                published.push(Published::View(*view, service));
            }
            if known == Some(view) {
                continue;
            }
            assert!(
                known.is_none_or(|known| view.epoch > known.epoch),
                "an epoch never goes back: {known:?} to {view:?}",
            );
            for member in Member::ALL {
                if let Some(linked) = self.welcomed(self.ring.holder(partition, member)) {
                    effects.push(GatewayEffect::send(linked.link, ToNode::View(*view)));
                }
            }
        }
    }

    /// Whether a partition can be served under a state.
    pub(crate) fn service(&self, state: &ClusterState, partition: PartitionId) -> Service {
        if state.is_lost(&self.ring, partition) { Service::Lost } else { Service::Available }
    }

    fn welcome_nodes(&mut self, effects: &mut Vec<GatewayEffect>, published: &mut Vec<Published>) {
        let Some(state) = self.published.clone() else { return };
        for place in self.ring.places() {
            let Some(linked) = self.reported(place).filter(|linked| !linked.is_welcomed) else {
                continue;
            };
            let (link, me) = (linked.link, neighbour(linked));
            let welcome = Welcome {
                cluster: state.cluster,
                ring: self.ring.nodes().to_vec(),
                gateway_boot: self.boot,
                views: self.views_at(&state, place),
                next: self.welcomed(self.ring.next(place)).map(neighbour),
                home_is_linked: self.welcomed(self.ring.previous(place)).is_some(),
            };
            effects.push(GatewayEffect::send(link, ToNode::Welcome(welcome)));
            published.push(Published::Welcomed(place, link));
            if let Some(linked) = self.nodes.entry(place).or_default().link.as_mut() {
                linked.is_welcomed = true;
            }
            if let Some(previous) = self.welcomed(self.ring.previous(place)) {
                effects.push(GatewayEffect::send(previous.link, ToNode::NextIsLinked(me)));
            }
            if let Some(next) = self.welcomed(self.ring.next(place)) {
                effects.push(GatewayEffect::send(next.link, ToNode::HomeIsLinked));
            }
        }
    }

    fn views_at(&self, state: &ClusterState, place: Place) -> Vec<View> {
        let partitions = Member::ALL.map(|member| self.ring.partition_at(place, member));
        partitions.iter().filter_map(|partition| state.view(*partition).copied()).collect()
    }
}

fn neighbour(linked: &Linked) -> Neighbour {
    Neighbour { incarnation: linked.hello.incarnation, address: linked.hello.address.clone() }
}

fn protocol_error(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::ProtocolError, detail)
}

/// Tells a peer why its link ends, and ends it.
pub(crate) fn dismiss(link: LinkId, refusal: Refusal, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::send(link, ToNode::Goodbye(refusal.clone())));
    effects.push(GatewayEffect::Drop { link, refusal });
}
