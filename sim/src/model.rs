//! What is known of a cluster from what was seen: the state that checks judge the next event by.

mod node;
mod roles;

use std::collections::BTreeMap;

use protocol::id::{Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, RequestId, Seq};
use protocol::message::{CallId, Condition, Progress};
use protocol::view::{InSync, Member, View};
use ring_core::placement::{Place, Ring};
use service::events::{Event, GatewayEvent, Said};

use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::seen::{Moment, Seen, StateDid, WorldDid};

pub use self::node::{CopyModel, NodeModel, SnapshotModel, Stages};
pub use self::roles::{has_primary, named, reader, sole, source};

/// What is known of a cluster.
#[derive(Debug)]
pub struct Model {
    /// Its nodes, in their order.
    pub ring: Ring,
    /// The gateway that started last.
    pub gateway: Option<GatewayBoot>,
    /// The views that a gateway has published last.
    pub published: BTreeMap<PartitionId, View>,
    /// The views that are decided and not yet published.
    pub deciding: BTreeMap<PartitionId, View>,
    /// What the controller's file holds.
    pub saved: BTreeMap<PartitionId, View>,
    /// Every view that was ever published.
    pub views: BTreeMap<(PartitionId, Epoch), View>,
    /// The links of nodes to gateways.
    pub links: BTreeMap<(GatewayBoot, u64), Linked>,
    /// The nodes, by their place.
    pub nodes: Vec<NodeModel>,
    /// The last entry that the gateway heard to be durable at each copy of a node, while the copy was whole.
    pub heard: BTreeMap<(Place, Member), Seq>,
    /// The requests that gateways sent.
    pub calls: BTreeMap<(GatewayBoot, CallId), Call>,
}

/// A link of a node to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Whose.
    pub place: Place,
    /// With which data.
    pub incarnation: Incarnation,
}

/// A request that a gateway sent to a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Moment,
    /// To which node.
    pub node: NodeId,
    /// Of which partition.
    pub partition: PartitionId,
    /// To which copy.
    pub member: Member,
    /// Under which view.
    pub epoch: Epoch,
    /// The id of an update; none of a read.
    pub request: Option<RequestId>,
}

impl Model {
    /// A cluster of which nothing was seen yet.
    pub fn new(ring: Ring) -> Self {
        Self {
            nodes: vec![NodeModel::default(); ring.size()],
            ring,
            gateway: None,
            published: BTreeMap::new(),
            deciding: BTreeMap::new(),
            saved: BTreeMap::new(),
            views: BTreeMap::new(),
            links: BTreeMap::new(),
            heard: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    /// The partitions.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        self.ring.places().map(Place::partition)
    }

    /// The node that holds a copy.
    pub fn holder(&self, partition: PartitionId, member: Member) -> &NodeModel {
        &self.nodes[self.ring.holder(partition, member).index()]
    }

    /// A copy.
    pub fn copy(&self, partition: PartitionId, member: Member) -> &CopyModel {
        self.holder(partition, member).copy(member)
    }

    /// A node, by its id; none if it is not of the ring.
    pub fn node(&self, id: &NodeId) -> Option<&NodeModel> {
        Some(&self.nodes[self.ring.place_of(id)?.index()])
    }

    /// Whether a node has a link to that gateway.
    pub fn is_linked(&self, gateway: GatewayBoot, place: Place) -> bool {
        let of_gateway = (gateway, u64::MIN)..=(gateway, u64::MAX);
        self.links.range(of_gateway).any(|(_, linked)| linked.place == place)
    }

    /// The request to which a node replies with this call.
    pub fn call(&self, node: &NodeId, call: CallId) -> Option<&Call> {
        let joined = self.node(node)?.joined?;
        self.calls.get(&(joined, call)).filter(|called| called.node == *node)
    }

    /// Whether every view is *both*, every copy acts on it, and the copies of each partition are level.
    pub fn is_whole(&self) -> bool {
        self.partitions().all(|partition| self.is_both_and_level(partition))
    }

    /// Whether the view of a partition is *both*, both copies act on it, and are level.
    pub fn is_both_and_level(&self, partition: PartitionId) -> bool {
        let is_both = |view: &&View| matches!(view.in_sync, InSync::Both { .. });
        let Some(view) = self.published.get(&partition).filter(is_both) else { return false };
        let idle = |member| {
            let copy = self.copy(partition, member);
            let is_whole = |progress: Progress| progress.condition == Condition::Whole;
            copy.acting == Some(*view)
                && is_idle(copy.progress.as_ref())
                && copy.progress.is_some_and(is_whole)
        };
        let written =
            |member| self.copy(partition, member).progress.map(|progress| progress.written);
        !self.deciding.contains_key(&partition)
            && idle(Member::Home)
            && idle(Member::Next)
            && written(Member::Home) == written(Member::Next)
    }

    /// Whether a donor would lose power with an ask that is granted, before it has stored that, and with entries that the joiner,
    /// which has stored it, does not have.
    pub fn is_a_donor_ahead(&self) -> bool {
        self.saved.iter().any(|(partition, saved)| {
            let is_it = |donor: Member| {
                let (joiner, donor) =
                    (self.copy(*partition, donor.other()), self.copy(*partition, donor));
                joiner.view.durable == Some(*saved)
                    && donor.view.durable != Some(*saved)
                    && donor.entry.durable > joiner.entry.durable
            };
            sole(saved.in_sync).is_none() && Member::ALL.into_iter().any(is_it)
        })
    }

    /// Whether a node's home copy has an entry that it is about to make durable, and to send to next.
    pub fn is_home_syncing(&self, place: usize) -> bool {
        let home = self.nodes.get(place).map(|node| node.home.entry);
        home.is_some_and(|entry| entry.handed.seq > entry.durable.seq)
    }

    /// Whether the gateway has heard of more at a node's home copy than the next copy has.
    pub fn is_ahead_of_next(&self, place: usize) -> bool {
        self.ring.places().nth(place).is_some_and(|place| {
            let next = self.copy(place.partition(), Member::Next);
            self.heard.get(&(place, Member::Home)).is_some_and(|seq| *seq > next.entry.handed.seq)
        })
    }

    /// Whether a copy of a node is in sync with less than the gateway has heard it to have.
    pub fn is_restored_to_less(&self, place: usize) -> bool {
        let Some(place) = self.ring.places().nth(place) else { return false };
        Member::ALL.into_iter().any(|member| {
            let partition = self.ring.partition_at(place, member);
            let is_both = self.published.get(&partition).is_some_and(|view| {
                sole(view.in_sync).is_none()
                    && named(view.in_sync, member) == self.nodes[place.index()].incarnation
            });
            let copy = self.copy(partition, member);
            let has = copy.entry.handed.seq;
            let is_whole = !copy.is_damaged && !copy.snapshot.handed.is_part;
            is_both
                && is_whole
                && self.heard.get(&(place, member)).is_some_and(|heard| *heard > has)
        })
    }

    /// The nodes of a donor that does not know yet that its ask is granted, and of its joiner.
    pub fn donor_untold(&self) -> Option<(Place, Place)> {
        self.saved.iter().find_map(|(partition, saved)| {
            let is_untold = |donor: &Member| {
                let copy = self.copy(*partition, *donor);
                copy.ask.is_some_and(|ask| ask.partition == *partition)
                    && copy.view.handed != Some(*saved)
            };
            let donor = Member::ALL.into_iter().find(is_untold)?;
            let holder = |member| self.ring.holder(*partition, member);
            sole(saved.in_sync).is_none().then(|| (holder(donor), holder(donor.other())))
        })
    }

    /// Takes in what was seen.
    pub fn follow(&mut self, at: Moment, seen: &Seen) {
        match seen {
            Seen::Inside(Event::Node { node, event }) => {
                if let Some(place) = self.ring.place_of(node) {
                    self.nodes[place.index()].follow(event);
                }
            }
            Seen::Inside(Event::Gateway { gateway, event }) => {
                self.follow_gateway(at, *gateway, event);
            }
            Seen::Storage { node, did } => self.nodes[*node].follow_storage(did),
            Seen::State { gateway: Host::Gateway, did: StateDid::Saved(views) } => {
                self.saved = views.iter().map(|view| (view.partition, *view)).collect();
            }
            Seen::World(WorldDid::Kills(Host::Gateway, how)) => {
                self.links.clear();
                if *how == Death::DataLost {
                    self.saved.clear();
                    self.published.clear();
                }
            }
            Seen::World(WorldDid::Ended(Host::Gateway, _)) => self.links.clear(),
            Seen::State { .. } | Seen::Client { .. } | Seen::World(_) => {}
        }
    }

    fn follow_gateway(&mut self, at: Moment, gateway: GatewayBoot, event: &GatewayEvent) {
        match event {
            GatewayEvent::Starts { views, .. } => {
                self.gateway = Some(gateway);
                self.heard.clear();
                self.deciding.clear();
                self.published = views.iter().map(|view| (view.partition, *view)).collect();
                self.saved = self.published.clone();
                self.views.extend(views.iter().map(|view| ((view.partition, view.epoch), *view)));
            }
            GatewayEvent::Linked { link, node, incarnation, .. } => {
                if let Some(place) = self.ring.place_of(node) {
                    self.links
                        .insert((gateway, *link), Linked { place, incarnation: *incarnation });
                }
            }
            GatewayEvent::Unlinked { link, .. } => {
                self.links.remove(&(gateway, *link));
            }
            GatewayEvent::Decides(view) => {
                self.deciding.insert(view.partition, *view);
            }
            GatewayEvent::Publishes(view) => {
                self.deciding.remove(&view.partition);
                self.published.insert(view.partition, *view);
                // With the controller's file a view may be lost that nobody has stored: its epoch is used again.
                self.views.insert((view.partition, view.epoch), *view);
            }
            GatewayEvent::Forgets { partition } => {
                self.published.remove(partition);
            }
            GatewayEvent::Requests { node, partition, member, epoch, call, request, .. } => {
                let sent = Call {
                    at,
                    node: node.clone(),
                    partition: *partition,
                    member: *member,
                    epoch: *epoch,
                    request: *request,
                };
                self.calls.insert((gateway, *call), sent);
            }
            GatewayEvent::Tells { .. }
            | GatewayEvent::Welcomes { .. }
            | GatewayEvent::Probes { .. } => {}
            GatewayEvent::Hears { node, said } => {
                if let (Said::Durable { member, seq }, Some(place)) =
                    (said, self.ring.place_of(node))
                {
                    self.heard.insert((place, *member), *seq);
                }
            }
        }
    }
}

/// Whether all that a copy has written is committed.
fn is_idle(progress: Option<&Progress>) -> bool {
    progress.is_some_and(|progress| {
        progress.written.seq == progress.durable && progress.durable == progress.committed
    })
}
