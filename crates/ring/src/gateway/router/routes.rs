//! Where requests may go: the published views, and the nodes that are linked.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::PartitionId;
use protocol::message::DiskState;
use protocol::view::{Member, View};

use crate::gateway::published::{Published, Service};
use crate::gateway::request::RequestKind;
use crate::link::LinkId;
use crate::placement::{Place, Ring};

/// What the router knows of views and nodes.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) ring: Ring,
    views: BTreeMap<PartitionId, (View, Service)>,
    links: BTreeMap<Place, LinkId>,
    /// The nodes that are linked and wait for their welcome.
    arriving: BTreeMap<Place, LinkId>,
    /// The links of nodes whose disk does not answer.
    silent: BTreeSet<LinkId>,
}

impl Routes {
    /// No view is known, and no node is linked.
    pub(super) fn of(ring: Ring) -> Self {
        Self {
            ring,
            views: BTreeMap::new(),
            links: BTreeMap::new(),
            arriving: BTreeMap::new(),
            silent: BTreeSet::new(),
        }
    }

    /// A partition's view, and whether it can be served under that.
    pub(super) fn view(&self, partition: PartitionId) -> Option<&(View, Service)> {
        self.views.get(&partition)
    }

    /// Takes a publication of the controller.
    pub(super) fn learn(&mut self, publication: &Published) {
        match *publication {
            Published::Unknown(partition) => self.forget_view(partition),
            Published::View(view, service) => self.publish(view, service),
            Published::Welcomed(place, link) => self.welcomed(place, link),
        }
    }

    /// A view was published.
    fn publish(&mut self, view: View, service: Service) {
        self.views.insert(view.partition, (view, service));
    }

    /// The view of a partition is unknown now.
    fn forget_view(&mut self, partition: PartitionId) {
        self.views.remove(&partition);
    }

    /// A node is linked; its welcome is to come.
    pub(super) fn arriving(&mut self, place: Place, link: LinkId) {
        self.arriving.insert(place, link);
    }

    /// Whether a node is linked and waits for its welcome.
    pub(super) fn is_arriving(&self, place: Place) -> bool {
        self.arriving.contains_key(&place)
    }

    /// A node was welcomed.
    fn welcomed(&mut self, place: Place, link: LinkId) {
        self.arriving.remove(&place);
        self.links.insert(place, link);
    }

    /// A link is gone. Returns the place of its node.
    pub(super) fn lost(&mut self, link: LinkId) -> Option<Place> {
        let place = self.place_of_any(link);
        self.links.retain(|_, known| *known != link);
        self.arriving.retain(|_, known| *known != link);
        self.silent.remove(&link);
        place
    }

    /// The link to a welcomed node.
    pub(super) fn link(&self, place: Place) -> Option<LinkId> {
        self.links.get(&place).copied()
    }

    /// The links to all welcomed nodes.
    pub(super) fn links(&self) -> Vec<LinkId> {
        self.links.values().copied().collect()
    }

    /// The disk of a node does not answer, or does again. Returns the place of the node.
    pub(super) fn disk_changed(&mut self, link: LinkId, disk: DiskState) -> Option<Place> {
        let place = self.place_of_any(link)?;
        match disk {
            DiskState::Silent => self.silent.insert(link),
            DiskState::Answers => self.silent.remove(&link),
        };
        Some(place)
    }

    /// Whether the disk of a node does not answer.
    pub(super) fn is_silent(&self, link: LinkId) -> bool {
        self.silent.contains(&link)
    }

    /// The place of the copy that a request of this kind goes to; none while the view is unknown.
    pub(super) fn wanted_place(&self, partition: PartitionId, kind: RequestKind) -> Option<Place> {
        let (view, _) = self.views.get(&partition)?;
        Some(self.ring.holder(partition, wanted_member(kind, view)))
    }

    /// The partitions whose requests of this kind go to the node of a link.
    pub(super) fn partitions_served_over(
        &self,
        link: LinkId,
        kind: RequestKind,
    ) -> impl Iterator<Item = PartitionId> {
        let place = place_of(link, &self.links);
        let partitions = place.map(|place| self.partitions_at(place));
        partitions
            .into_iter()
            .flatten()
            .filter(move |partition| self.wanted_place(*partition, kind) == place)
    }

    /// The partitions with a copy at a place.
    pub(super) fn partitions_at(&self, place: Place) -> [PartitionId; 2] {
        Member::ALL.map(|member| self.ring.partition_at(place, member))
    }

    /// The place of a node, welcomed or not.
    fn place_of_any(&self, link: LinkId) -> Option<Place> {
        place_of(link, &self.links).or_else(|| place_of(link, &self.arriving))
    }
}

fn place_of(link: LinkId, links: &BTreeMap<Place, LinkId>) -> Option<Place> {
    links.iter().find(|(_, known)| **known == link).map(|(place, _)| *place)
}

/// The copy that a request goes to under a view.
pub(super) fn wanted_member(kind: RequestKind, view: &View) -> Member {
    match kind {
        RequestKind::Read => view.in_sync.reader(),
        // Where there is no primary, home is restored and becomes it.
        RequestKind::Update => view.in_sync.primary().unwrap_or(Member::Home),
    }
}
