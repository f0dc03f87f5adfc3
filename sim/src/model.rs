//! What is known of a cluster from what was seen: the state that checks judge the next event by.

use std::collections::BTreeMap;

use process::events::{Event, GatewayEvent, NodeEvent};
use protocol::id::{
    Boot, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId,
};
use protocol::message::{Ask, CallId, Progress};
use protocol::view::{InSync, Member, View};
use ring::placement::{Place, Ring};

use crate::plan::host::Host;
use crate::seen::{Moment, Seen, StateDid, StorageDid, WorldDid};

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

/// What is known of a node.
#[derive(Debug, Clone, Default)]
pub struct NodeModel {
    /// Its data.
    pub incarnation: Option<Incarnation>,
    /// Its last start.
    pub boot: Option<Boot>,
    /// The gateway that let it in last.
    pub joined: Option<GatewayBoot>,
    /// Whether its storage has synced since it was opened.
    pub has_synced: bool,
    /// Whether it has written since it last synced.
    pub is_dirty: bool,
    /// Its home copy.
    pub home: CopyModel,
    /// Its next copy.
    pub next: CopyModel,
}

/// What is known of a copy.
#[derive(Debug, Clone, Default)]
pub struct CopyModel {
    /// The view that it acts on.
    pub acting: Option<View>,
    /// The newest view that was handed to the storage, that is written, that is durable.
    pub view: Stages<Option<View>>,
    /// The last entry that was handed to the storage, that is written, that is durable.
    pub entry: Stages<Position>,
    /// What it told of itself last.
    pub progress: Option<Progress>,
    /// The ask that is open.
    pub ask: Option<Ask>,
}

/// How far something has come on its way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stages<T> {
    /// Handed to the storage.
    pub handed: T,
    /// Written: found after a kill.
    pub written: T,
    /// Synced: found after a power loss.
    pub durable: T,
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

impl<T: Copy> Stages<T> {
    fn all(value: T) -> Self {
        Self { handed: value, written: value, durable: value }
    }
}

impl NodeModel {
    /// One of its copies.
    pub fn copy(&self, member: Member) -> &CopyModel {
        match member {
            Member::Home => &self.home,
            Member::Next => &self.next,
        }
    }

    fn copy_mut(&mut self, member: Member) -> &mut CopyModel {
        match member {
            Member::Home => &mut self.home,
            Member::Next => &mut self.next,
        }
    }

    fn copies_mut(&mut self) -> [&mut CopyModel; 2] {
        [&mut self.home, &mut self.next]
    }
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
            copy.acting == Some(*view) && is_idle(copy.progress.as_ref())
        };
        let written =
            |member| self.copy(partition, member).progress.map(|progress| progress.written);
        !self.deciding.contains_key(&partition)
            && idle(Member::Home)
            && idle(Member::Next)
            && written(Member::Home) == written(Member::Next)
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
            Seen::World(WorldDid::Kills(Host::Gateway, _) | WorldDid::Ended(Host::Gateway, _)) => {
                self.links.clear();
            }
            Seen::State { .. } | Seen::Client { .. } | Seen::World(_) => {}
        }
    }

    fn follow_gateway(&mut self, at: Moment, gateway: GatewayBoot, event: &GatewayEvent) {
        match event {
            GatewayEvent::Starts { views, .. } => {
                self.gateway = Some(gateway);
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
                self.views.entry((view.partition, view.epoch)).or_insert(*view);
            }
            GatewayEvent::Requests { node, partition, member, epoch, call, request } => {
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
            GatewayEvent::Tells { .. } | GatewayEvent::Welcomes { .. } => {}
        }
    }
}

/// The copy to which reads go, as the design says it: written here again, so that a slip in the code that is tested does
/// not make the same slip here.
pub fn reader(in_sync: InSync) -> Member {
    match in_sync {
        InSync::Both { .. } | InSync::NextOnly { .. } => Member::Next,
        InSync::HomeOnly { .. } => Member::Home,
    }
}

/// Whether there is a primary, as the design says it.
pub fn has_primary(in_sync: InSync) -> bool {
    matches!(in_sync, InSync::Both { .. } | InSync::HomeOnly { .. })
}

/// The data that a view names for a copy, as the design says it.
pub fn named(in_sync: InSync, member: Member) -> Option<Incarnation> {
    match (in_sync, member) {
        (InSync::Both { home, .. } | InSync::HomeOnly { home }, Member::Home) => Some(home),
        (InSync::Both { next, .. } | InSync::NextOnly { next }, Member::Next) => Some(next),
        (InSync::HomeOnly { .. }, Member::Next) | (InSync::NextOnly { .. }, Member::Home) => None,
    }
}

/// Whether all that a copy has written is committed.
fn is_idle(progress: Option<&Progress>) -> bool {
    progress.is_some_and(|progress| {
        progress.written.seq == progress.durable && progress.durable == progress.committed
    })
}

impl NodeModel {
    fn follow(&mut self, event: &NodeEvent) {
        match event {
            NodeEvent::Starts { incarnation, boot, home, next } => {
                let found = |found: &process::events::FoundCopy| CopyModel {
                    acting: found.view,
                    view: Stages::all(found.view),
                    entry: Stages::all(found.written),
                    ..CopyModel::default()
                };
                self.incarnation = Some(*incarnation);
                self.boot = Some(*boot);
                self.joined = None;
                (self.home, self.next) = (found(home), found(next));
            }
            NodeEvent::Joins { gateway } => {
                self.joined = Some(*gateway);
                // On a new link whatever was asked on the one before is over.
                self.home.ask = None;
            }
            NodeEvent::Acts { member, view } => {
                let copy = self.copy_mut(*member);
                copy.acting = Some(*view);
                copy.ask = None;
            }
            NodeEvent::Comes(progress) => self.copy_mut(progress.member).progress = Some(*progress),
            NodeEvent::Applies { member, position, .. } => {
                self.copy_mut(*member).entry.handed = *position;
            }
            NodeEvent::Stores { member, view, .. } => {
                self.copy_mut(*member).view.handed = Some(*view);
            }
            NodeEvent::Asks(ask) => self.home.ask = Some(*ask),
            NodeEvent::AskRefused { ask, .. } => {
                self.home.ask.take_if(|open| open.ask == *ask);
            }
            NodeEvent::Appends { .. } | NodeEvent::Replies { .. } => {}
        }
    }

    fn follow_storage(&mut self, did: &StorageDid) {
        match did {
            StorageDid::Opened => {
                self.has_synced = false;
                self.is_dirty = false;
            }
            StorageDid::Written => {
                self.is_dirty = true;
                for copy in self.copies_mut() {
                    copy.entry.written = copy.entry.handed;
                    copy.view.written = copy.view.handed;
                }
            }
            StorageDid::Synced => {
                self.has_synced = true;
                self.is_dirty = false;
                for copy in self.copies_mut() {
                    copy.entry.durable = copy.entry.written;
                    copy.view.durable = copy.view.written;
                }
            }
            StorageDid::Failed(_) => {}
        }
    }
}
