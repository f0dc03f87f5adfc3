//! Who may take a node's place in the ring.
//!
//! Who a node is, is judged when it connects. What it has, is judged by its report, before it is
//! welcomed.

use std::collections::BTreeMap;

use protocol::hello::{Membership, NodeHello};
use protocol::id::{ClusterId, Incarnation, PartitionId, Seq};
use protocol::message::{CopyReport, Report};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::Member;

use super::nodes::{KnownNodes, NodeLink};
use super::states::States;
use crate::gateway::cluster_state::ClusterState;
use crate::placement::{Place, Ring};

/// Judges who may take a node's place. It changes nothing.
#[derive(Clone, Copy)]
pub(super) struct Admitting<'a> {
    pub(super) ring: &'a Ring,
    pub(super) states: &'a States,
    pub(super) nodes: &'a KnownNodes,
}

impl Admitting<'_> {
    /// Judges a node that connects.
    ///
    /// # Errors
    ///
    /// Why it is turned away, in words for its operator.
    pub(crate) fn admit(self, hello: &NodeHello) -> Result<(), Refusal> {
        let Some(place) = self.ring.place_of(&hello.node) else {
            let detail = format!(
                "the ring has no node {}, its nodes are {}: check the node's id",
                hello.node, self.ring,
            );
            return Err(Refusal::new(RefusalCode::UnknownNode, detail));
        };
        if let Some(membership) = &hello.membership {
            self.admit_member(membership, hello)?;
        }
        self.admit_beside(hello, place)?;
        if let Some(state) = self.states.decided() {
            self.admit_data(state, hello, place)?;
        }
        self.admit_start(hello, place)
    }

    /// Refuses data of another cluster or another ring. If the cluster is not known any more, the
    /// first node names it.
    fn admit_member(self, membership: &Membership, hello: &NodeHello) -> Result<(), Refusal> {
        let Membership { cluster, ring } = membership;
        let node = &hello.node;
        if let Some(known) = self.cluster().filter(|known| known != cluster) {
            let detail = format!(
                "the data of {node} is of cluster {cluster}, this is cluster {known}: start it with its own gateway, or \
                 with an empty data directory",
            );
            return Err(Refusal::new(RefusalCode::ForeignCluster, detail));
        }
        if ring != self.ring.nodes() {
            let ring = ring.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let detail =
                format!("the data of {node} is of the ring {ring}, this is the ring {}", self.ring);
            return Err(Refusal::new(RefusalCode::OtherRing, detail));
        }
        Ok(())
    }

    /// The cluster, as the state or else the linked nodes know it.
    fn cluster(self) -> Option<ClusterId> {
        if let Some(state) = self.states.decided() {
            return Some(state.cluster);
        }
        let mut linked = self.ring.places().filter_map(|place| self.nodes.linked(place));
        linked.find_map(|linked| Some(linked.hello.membership.as_ref()?.cluster))
    }

    /// Refuses a node with other data while its id is linked.
    fn admit_beside(self, hello: &NodeHello, place: Place) -> Result<(), Refusal> {
        let known = self.nodes.linked(place).map(|linked| linked.hello.incarnation);
        if known.is_none_or(|known| known == hello.incarnation) {
            return Ok(());
        }
        let detail = format!(
            "another node {} is connected: give each node an id of its own. If that was this node before it lost its data, \
             it is let in as soon as that link is lost",
            hello.node,
        );
        Err(Refusal::new(RefusalCode::AlreadyConnected, detail))
    }

    /// Refuses data other than the ring knows. No data is fine (it was lost, and is restored), and
    /// so is data named by a view.
    fn admit_data(
        self,
        state: &ClusterState,
        hello: &NodeHello,
        place: Place,
    ) -> Result<(), Refusal> {
        let known = state.incarnation_at(place);
        let is_new = hello.membership.is_none();
        let is_counted_on = Member::ALL.into_iter().any(|member| {
            let view = state.view(self.ring.partition_at(place, member));
            view.and_then(|view| view.in_sync.incarnation(member)) == Some(hello.incarnation)
        });
        if is_new || is_counted_on || known.is_none_or(|known| known == hello.incarnation) {
            return Ok(());
        }
        let detail = format!(
            "{} has other data than the ring knows it by: it was restored into another directory since. Start it with \
             that, or with an empty one",
            hello.node,
        );
        Err(Refusal::new(RefusalCode::LostData, detail))
    }

    /// Refuses a start count seen before: the directory is a copy of the node's.
    fn admit_start(self, hello: &NodeHello, place: Place) -> Result<(), Refusal> {
        let cloned = |detail: String| Err(Refusal::new(RefusalCode::ClonedDirectory, detail));
        let (node, boot) = (&hello.node, hello.boot);
        let linked = self.nodes.linked(place).map(|linked| linked.hello.boot);
        if linked.is_some_and(|known| boot.count == known.count && boot.nonce != known.nonce) {
            return cloned(format!(
                "{node} is connected, and this is a second process on a copy of its data directory: stop one of them",
            ));
        }
        let known = self.states.decided().and_then(|state| state.nodes.get(place.index()));
        let saved = known.filter(|known| known.incarnation == Some(hello.incarnation));
        let seen = saved.map_or(0, |known| known.boots).max(linked.map_or(0, |known| known.count));
        if boot.count < seen {
            return cloned(format!(
                "{node} was seen at its start number {seen}, this is number {}: its data directory is an old copy",
                boot.count,
            ));
        }
        Ok(())
    }

    /// Judges a node's report (rule 9). A copy in sync has lost data if its position is below its
    /// own earlier position, or below the position proved by the other copy.
    pub(super) fn admit_report(
        self,
        linked: &NodeLink,
        place: Place,
        report: &Report,
    ) -> Result<(), Refusal> {
        for member in Member::ALL {
            let partition = self.ring.partition_at(place, member);
            let CopyReport { position, condition, .. } = *report.copy(member);
            let once = linked.floors.get(&member).copied().unwrap_or(Seq::ZERO);
            // A copy that cannot read how far it is says so, and is restored.
            let is_below = position.seq < once && condition.serves();
            if is_below && self.is_named(&linked.hello, partition, member) {
                let detail = format!(
                    "the {member} copy of {partition} on {} ends at {position}, and once had entry {once}: its data \
                     directory is an old copy. Start it with its newest data, or with an empty directory",
                    linked.hello.node,
                );
                return Err(Refusal::new(RefusalCode::LostData, detail));
            }
        }
        Ok(())
    }

    /// The lowest position that each copy of a new link's node may report. The report is made
    /// after the link, so it cannot be below the positions known by then.
    pub(super) fn floors(self, hello: &NodeHello, place: Place) -> BTreeMap<Member, Seq> {
        let named = Member::ALL
            .into_iter()
            .filter(|member| self.is_named(hello, self.ring.partition_at(place, *member), *member));
        let floor = |member| {
            let shown = self.shown_by_other(self.ring.partition_at(place, member), member);
            (member, self.once_had(hello, place, member).max(shown))
        };
        named.map(floor).collect()
    }

    /// Whether a view names a copy, with the data of this node.
    fn is_named(self, hello: &NodeHello, partition: PartitionId, member: Member) -> bool {
        let view = self.states.published().and_then(|state| state.view(partition));
        view.and_then(|view| view.in_sync.incarnation(member)) == Some(hello.incarnation)
    }

    /// The last entry reported durable by the copy itself, with the same data.
    fn once_had(self, hello: &NodeHello, place: Place, member: Member) -> Seq {
        let durable = self.nodes.get(place).and_then(|node| node.durable.get(&member));
        let same = durable.filter(|(incarnation, _)| *incarnation == hello.incarnation);
        same.map_or(Seq::ZERO, |(_, seq)| *seq)
    }

    /// The position proved by the other copy in sync. Home commits only entries that are durable
    /// at next. Next has only entries that are durable at home.
    fn shown_by_other(self, partition: PartitionId, member: Member) -> Seq {
        let other = member.other();
        let place = self.ring.holder(partition, other);
        let view = self.states.published().and_then(|state| state.view(partition));
        let named = view.and_then(|view| view.in_sync.incarnation(other));
        let is_linked = self
            .nodes
            .welcomed(place)
            .is_some_and(|linked| Some(linked.hello.incarnation) == named && named.is_some());
        let progress = self.nodes.progress(place, other).filter(|_| is_linked);
        progress.map_or(Seq::ZERO, |progress| match other {
            Member::Home => progress.committed,
            Member::Next => progress.durable,
        })
    }

    /// Whether a node comes with the data that the ring knows it by, and that each view counts on.
    pub(super) fn is_all_there(self, place: Place, incarnation: Incarnation) -> bool {
        self.states.decided().is_some_and(|state| {
            let is_counted_on = |member| {
                let view = state.view(self.ring.partition_at(place, member));
                let named = view.and_then(|view| view.in_sync.incarnation(member));
                named.is_none_or(|named| named == incarnation)
            };
            state.incarnation_at(place) == Some(incarnation)
                && Member::ALL.into_iter().all(is_counted_on)
        })
    }
}
