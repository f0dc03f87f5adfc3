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
//! - *home only → both*: home asks, for this epoch, over its present link; the joiner it names is linked.

mod admission;
mod decide;
mod state;

pub use state::{ClusterState, InvalidState, NodeState};

use std::collections::BTreeMap;

use protocol::hello::NodeHello;
use protocol::id::{ClusterId, Epoch, GatewayBoot, PartitionId};
use protocol::message::{Ask, FromNode, Neighbour, Progress, ToNode, Welcome};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use crate::gateway::GatewayEffect;
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
    /// No view shrinks before this.
    grace_until: Time,
    /// Durable, and what every peer may know.
    published: Option<ClusterState>,
    /// Decided; being made durable.
    saving: Option<ClusterState>,
    nodes: BTreeMap<Place, Node>,
    /// The asks that are not answered, by the link over which they came.
    asks: BTreeMap<PartitionId, (LinkId, Ask)>,
}

/// What the controller knows of a node.
#[derive(Debug, Default)]
struct Node {
    link: Option<Linked>,
    /// The highest count of starts that was seen, to know a copied data directory by.
    boot_count: u64,
    progress: BTreeMap<Member, Progress>,
}

/// A node's link.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) link: LinkId,
    pub(crate) hello: NodeHello,
    pub(crate) is_welcomed: bool,
    /// Home's node reports that it cannot reach next; for this epoch of its view.
    pub(crate) unreachable: Option<Epoch>,
}

/// What the controller has published, for the router to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    /// A node was welcomed: requests may be sent to it.
    Welcomed(Place, LinkId),
    /// A view changed, or was made.
    View(View),
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
        }
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

    fn welcomed(&self, place: Place) -> Option<&Linked> {
        self.linked(place).filter(|linked| linked.is_welcomed)
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
        let node = self.nodes.entry(place).or_default();
        node.boot_count = node.boot_count.max(hello.boot.count);
        node.progress.clear();
        let linked = Linked { link, hello, is_welcomed: false, unreachable: None };
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
        let home_of = self.ring.partition_at(place, Member::Home);
        let node = self.nodes.entry(place).or_default();
        let Some(linked) = node.link.as_mut().filter(|linked| linked.is_welcomed) else {
            return Err(Refusal::new(RefusalCode::ProtocolError, "a message before the welcome"));
        };
        let of_home = |partition: PartitionId| {
            let detail = || format!("{} is not the home of {partition}", linked.hello.node);
            if partition == home_of {
                Ok(())
            } else {
                Err(Refusal::new(RefusalCode::ProtocolError, detail()))
            }
        };
        match message {
            FromNode::Ask(ask) => {
                of_home(ask.partition)?;
                self.asks.insert(ask.partition, (link, ask));
            }
            FromNode::NextUnreachable { partition, epoch } => {
                of_home(partition)?;
                linked.unreachable = Some(epoch);
            }
            FromNode::NextReachable { partition } => {
                of_home(partition)?;
                linked.unreachable = None;
            }
            FromNode::Progress(progress) => {
                node.progress.insert(progress.member, progress);
            }
            FromNode::Reply { .. } => unreachable!("replies are the router's"),
        }
        Ok(())
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
        for view in &state.views {
            let known = before.and_then(|before| before.view(view.partition));
            if known == Some(view) {
                continue;
            }
            assert!(
                known.is_none_or(|known| view.epoch == known.epoch.next()),
                "a change is one epoch: {known:?} to {view:?}",
            );
            for member in [Member::Home, Member::Next] {
                if let Some(linked) = self.welcomed(self.ring.holder(view.partition, member)) {
                    effects.push(GatewayEffect::send(linked.link, ToNode::View(*view)));
                }
            }
            published.push(Published::View(*view));
        }
    }

    fn welcome_nodes(&mut self, effects: &mut Vec<GatewayEffect>, published: &mut Vec<Published>) {
        let Some(state) = self.published.clone() else { return };
        for place in self.ring.places() {
            let Some(linked) = self.linked(place).filter(|linked| !linked.is_welcomed) else {
                continue;
            };
            let (link, me) = (linked.link, neighbour(linked));
            let welcome = Welcome {
                cluster: state.cluster,
                ring: self.ring.nodes().to_vec(),
                gateway_boot: self.boot,
                views: self.views_at(&state, place),
                next: self.welcomed(self.ring.next(place)).map(neighbour),
            };
            effects.push(GatewayEffect::send(link, ToNode::Welcome(welcome)));
            published.push(Published::Welcomed(place, link));
            if let Some(linked) = self.nodes.entry(place).or_default().link.as_mut() {
                linked.is_welcomed = true;
            }
            if let Some(previous) = self.welcomed(self.ring.previous(place)) {
                effects.push(GatewayEffect::send(previous.link, ToNode::NextIsLinked(me)));
            }
        }
    }

    fn views_at(&self, state: &ClusterState, place: Place) -> Vec<View> {
        let partitions =
            [Member::Home, Member::Next].map(|member| self.ring.partition_at(place, member));
        partitions.iter().filter_map(|partition| state.view(*partition).copied()).collect()
    }
}

fn neighbour(linked: &Linked) -> Neighbour {
    Neighbour { incarnation: linked.hello.incarnation, address: linked.hello.address.clone() }
}

/// Tells a peer why its link ends, and ends it.
pub(crate) fn dismiss(link: LinkId, refusal: Refusal, effects: &mut Vec<GatewayEffect>) {
    effects.push(GatewayEffect::send(link, ToNode::Goodbye(refusal.clone())));
    effects.push(GatewayEffect::Drop { link, refusal });
}
