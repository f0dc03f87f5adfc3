//! The state of a cluster, derived from the events seen. Checks judge the next event by it.

mod node;
mod roles;

use std::collections::BTreeMap;

use protocol::id::{Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, RequestId, Seq};
use protocol::message::{CallId, Condition, Progress};
use protocol::view::{InSync, Member, View};
use ring_core::placement::{Place, Ring};
use service::events::{Event, GatewayFact, Said};

use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::seen::{Moment, Seen, StateDid, WorldDid};

pub use self::node::{CopyModel, NodeModel, SnapshotModel, Stages};
pub use self::roles::{has_primary, named, reader, sole, source};

/// The known state of a cluster.
#[derive(Debug)]
pub struct Model {
    /// The nodes, in the order of the ring.
    pub ring: Ring,
    /// The gateway started last.
    pub gateway: Option<GatewayBoot>,
    /// The view published last by a gateway, for each partition.
    pub published: BTreeMap<PartitionId, View>,
    /// The views decided and not yet published.
    pub deciding: BTreeMap<PartitionId, View>,
    /// The views in the controller's file.
    pub saved: BTreeMap<PartitionId, View>,
    /// Every view ever published.
    pub views: BTreeMap<(PartitionId, Epoch), View>,
    /// The links of nodes to gateways.
    pub links: BTreeMap<(GatewayBoot, u64), LinkedNode>,
    /// The nodes, by place.
    pub nodes: Vec<NodeModel>,
    /// For each copy of a node, the last entry that the gateway heard to be durable while the
    /// copy was whole.
    pub heard: BTreeMap<(Place, Member), Seq>,
    /// The requests sent by gateways.
    pub calls: BTreeMap<(GatewayBoot, CallId), Call>,
}

/// A link of a node to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedNode {
    /// The place of the linked node.
    pub place: Place,
    /// The data of the linked node.
    pub incarnation: Incarnation,
}

/// A request sent by a gateway to a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When the request was sent.
    pub at: Moment,
    /// The node with the copy.
    pub node: NodeId,
    /// The partition.
    pub partition: PartitionId,
    /// The copy.
    pub member: Member,
    /// The epoch of its view.
    pub epoch: Epoch,
    /// The id of an update; none for a read.
    pub request: Option<RequestId>,
}

impl Model {
    /// A cluster without any event yet.
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

    /// All partitions of the ring.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        self.ring.places().map(Place::partition)
    }

    /// The node with a copy.
    pub fn holder(&self, partition: PartitionId, member: Member) -> &NodeModel {
        &self.nodes[self.ring.holder(partition, member).index()]
    }

    /// The state of a copy.
    pub fn copy(&self, partition: PartitionId, member: Member) -> &CopyModel {
        self.holder(partition, member).copy(member)
    }

    /// A node by its id; none if it is not part of the ring.
    pub fn node(&self, id: &NodeId) -> Option<&NodeModel> {
        Some(&self.nodes[self.ring.place_of(id)?.index()])
    }

    /// Whether a node has a link to the gateway.
    pub fn is_linked(&self, gateway: GatewayBoot, place: Place) -> bool {
        let of_gateway = (gateway, u64::MIN)..=(gateway, u64::MAX);
        self.links.range(of_gateway).any(|(_, linked)| linked.place == place)
    }

    /// The request that a node answers by this call.
    pub fn call(&self, node: &NodeId, call: CallId) -> Option<&Call> {
        let joined = self.node(node)?.joined?;
        self.calls.get(&(joined, call)).filter(|called| called.node == *node)
    }

    /// Whether every view is *both*, every copy acts on its view, and the copies of each
    /// partition are level.
    pub fn is_whole(&self) -> bool {
        self.partitions().all(|partition| self.is_both_and_level(partition))
    }

    /// Whether the view of a partition is *both*, both copies act on it, and they are level.
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

    /// Whether a granted ask leaves a donor ahead: the joiner has stored the new view, the
    /// donor has not, and the donor has durable entries that the joiner lacks. A power loss now
    /// would leave it so.
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

    /// Whether a node's home copy has an entry that it is about to make durable and to send to
    /// next.
    pub fn is_home_syncing(&self, place: usize) -> bool {
        let home = self.nodes.get(place).map(|node| node.home.entry);
        home.is_some_and(|entry| entry.handed.seq > entry.durable.seq)
    }

    /// Whether the gateway has heard of a later entry at a node's home copy than the next copy
    /// has.
    pub fn is_ahead_of_next(&self, place: usize) -> bool {
        self.ring.places().nth(place).is_some_and(|place| {
            let next = self.copy(place.partition(), Member::Next);
            self.heard.get(&(place, Member::Home)).is_some_and(|seq| *seq > next.entry.handed.seq)
        })
    }

    /// Whether a copy of a node is in sync with fewer entries than the gateway has heard it to
    /// have.
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

    /// The nodes of a donor and its joiner, where the ask is granted and the donor does not
    /// know it yet.
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

    /// Follows an event.
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

    fn follow_gateway(&mut self, at: Moment, gateway: GatewayBoot, event: &GatewayFact) {
        match event {
            GatewayFact::Starts { views, .. } => {
                self.gateway = Some(gateway);
                self.heard.clear();
                self.deciding.clear();
                self.published = views.iter().map(|view| (view.partition, *view)).collect();
                self.saved = self.published.clone();
                self.views.extend(views.iter().map(|view| ((view.partition, view.epoch), *view)));
            }
            GatewayFact::Linked { link, node, incarnation, .. } => {
                if let Some(place) = self.ring.place_of(node) {
                    self.links
                        .insert((gateway, *link), LinkedNode { place, incarnation: *incarnation });
                }
            }
            GatewayFact::Unlinked { link, .. } => {
                self.links.remove(&(gateway, *link));
            }
            GatewayFact::Decides(view) => {
                self.deciding.insert(view.partition, *view);
            }
            GatewayFact::Publishes(view) => {
                self.deciding.remove(&view.partition);
                self.published.insert(view.partition, *view);
                // A view that nobody has stored may be lost with the controller's file. Its
                // epoch is then used again.
                self.views.insert((view.partition, view.epoch), *view);
            }
            GatewayFact::Forgets { partition } => {
                self.published.remove(partition);
            }
            GatewayFact::Requests { node, partition, member, epoch, call, request, .. } => {
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
            GatewayFact::Tells { .. }
            | GatewayFact::Welcomes { .. }
            | GatewayFact::Probes { .. } => {}
            GatewayFact::Hears { node, said } => {
                if let (Said::Durable { member, seq }, Some(place)) =
                    (said, self.ring.place_of(node))
                {
                    self.heard.insert((place, *member), *seq);
                }
            }
        }
    }
}

/// Whether all written entries of a copy are committed.
fn is_idle(progress: Option<&Progress>) -> bool {
    progress.is_some_and(|progress| {
        progress.written.seq == progress.durable && progress.durable == progress.committed
    })
}
