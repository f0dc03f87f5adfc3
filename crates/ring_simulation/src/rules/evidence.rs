//! What the gateway knows of its nodes by their links, as seen from outside: which of them it has
//! lost, and which of them have shown since then that they are alive.
//!
//! A view drops a member only in favour of a member that has answered a probe sent *after* the
//! loss was noticed (rule 5). So each event and each probe of the gateway is a [`Moment`], and
//! moments are ordered.
//!
//! A node never says in this simulation that it ends.

mod moment;
mod node;

use std::collections::BTreeMap;

use protocol::id::{Epoch, PartitionId};
use protocol::message::{Condition, FromNode, ToNode};
use protocol::view::{Member, View};
use ring_core::gateway::GatewayEvent;
use ring_core::link::LinkId;
use ring_core::placement::{Place, Ring};

use self::moment::Moment;
use self::node::NodeEvidence;
use crate::gateway::GatewayDisk;

/// What the gateway knows of its nodes.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The newest moment.
    last: Moment,
    /// What the gateway has heard of each node since it started.
    nodes: BTreeMap<Place, NodeEvidence>,
    /// The newest view of each partition under which home has said that it serves alone, to this
    /// gateway or to one before it.
    alone: BTreeMap<PartitionId, Epoch>,
}

impl Evidence {
    /// A gateway starts. It misses all nodes.
    pub(crate) fn gateway_starts(&mut self, ring: &Ring) {
        let now = self.advance();
        self.nodes = ring.places().map(|place| (place, NodeEvidence::missing(now))).collect();
    }

    /// The gateway is about to handle an event, and has decided this on its disk.
    pub(crate) fn gateway_handles(
        &mut self,
        ring: &Ring,
        decided: &GatewayDisk,
        event: &GatewayEvent,
    ) {
        let now = self.advance();
        match event {
            GatewayEvent::NodeLinked { link, hello } => {
                let place = ring.place_of(&hello.node).expect("a node of the ring");
                let node = self.nodes.entry(place).or_default();
                node.linked(*link, hello.incarnation, now);
            }
            GatewayEvent::NodeLost { link } => {
                if let Some(node) = self.linked_by(*link) {
                    node.unlinked(now);
                }
            }
            GatewayEvent::NodeSays {
                message: FromNode::ServesAlone { partition, epoch }, ..
            } => {
                let newest = self.alone.entry(*partition).or_default();
                *newest = (*newest).max(*epoch);
            }
            GatewayEvent::NodeSays { link, message } if !is_outdated(decided, message) => {
                if let Some(place) = self.place_of(*link) {
                    let home = ring.partition_at(place, Member::Home);
                    self.nodes.entry(place).or_default().says(home, message, now);
                }
            }
            _ => {}
        }
    }

    /// The gateway sends a message.
    pub(crate) fn gateway_sends(&mut self, link: LinkId, message: &ToNode) {
        if let ToNode::Probe(probe) = message {
            let now = self.advance();
            if let Some(node) = self.linked_by(link) {
                node.probed(*probe, now);
            }
        }
    }

    fn advance(&mut self) -> Moment {
        self.last = self.last.next();
        self.last
    }

    fn linked_by(&mut self, link: LinkId) -> Option<&mut NodeEvidence> {
        self.nodes.values_mut().find(|node| node.is_linked_by(link))
    }

    fn place_of(&self, link: LinkId) -> Option<Place> {
        let mut nodes = self.nodes.iter();
        nodes.find(|(_, node)| node.is_linked_by(link)).map(|(place, _)| *place)
    }

    fn holder(&self, ring: &Ring, view: &View, member: Member) -> Option<&NodeEvidence> {
        self.nodes.get(&ring.holder(view.partition, member))
    }

    /// Whether a node is linked with the data that a view names, and its disk answers.
    pub(super) fn is_there(&self, ring: &Ring, view: &View, member: Member) -> bool {
        let named = view.in_sync.incarnation(member);
        let node = self.holder(ring, view, member);
        node.zip(named).is_some_and(|(node, named)| node.is_linked_with(named) && node.can_write())
    }

    /// The condition of a copy in sync, as told over the present link of its node.
    pub(super) fn condition(&self, ring: &Ring, view: &View, member: Member) -> Option<Condition> {
        let named = view.in_sync.incarnation(member)?;
        let node = self.holder(ring, view, member)?;
        node.condition_now(member).filter(|_| node.is_linked_with(named))
    }

    /// Whether a copy in sync is gone, or was last said not to be whole.
    pub(super) fn was_not_whole(&self, ring: &Ring, view: &View, member: Member) -> bool {
        let named = view.in_sync.incarnation(member);
        self.holder(ring, view, member).zip(named).is_some_and(|(node, named)| {
            node.other_data_since(named).is_some() || node.damaged_since(member, named).is_some()
        })
    }

    /// The moment when the gateway first noticed the loss of a member, if the loss still lasts.
    pub(super) fn loss_of(&self, ring: &Ring, view: &View, member: Member) -> Option<Moment> {
        let node = self.holder(ring, view, member)?;
        let named = view.in_sync.incarnation(member)?;
        let home = self.holder(ring, view, Member::Home).filter(|_| member == Member::Next);
        let losses = [
            node.lost_since(),
            node.other_data_since(named),
            node.damaged_since(member, named),
            home.and_then(|home| home.next_unreachable_since(view.epoch)),
        ];
        losses.into_iter().flatten().min()
    }

    /// Whether a member's node has answered a probe sent after this moment.
    pub(super) fn is_alive_since(
        &self,
        ring: &Ring,
        view: &View,
        member: Member,
        moment: Moment,
    ) -> bool {
        let node = self.holder(ring, view, member);
        node.and_then(NodeEvidence::answered).is_some_and(|probe| probe > moment)
    }

    /// Whether home has said that it serves alone under this view or a newer one.
    pub(super) fn serves_alone(&self, view: &View) -> bool {
        self.alone.get(&view.partition).is_some_and(|alone| *alone >= view.epoch)
    }
}

/// Rule 6: a copy tells its condition again under each view, so its word under an older view than
/// the decided one does not count.
fn is_outdated(decided: &GatewayDisk, message: &FromNode) -> bool {
    let FromNode::Condition { partition, epoch, .. } = message else { return false };
    decided.decided_view(*partition).is_some_and(|view| view.epoch > *epoch)
}
