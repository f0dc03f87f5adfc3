//! Who is alive now: rule 5 lets a view change only in favour of a member that has answered a probe
//! which was sent after the loss was noticed.
//!
//! ```text
//!   a loss is noticed          the survivor answers
//!   -----------------> probe ----------------------> the view may change
//! ```
//!
//! A link that looks alive proves nothing: after a standstill the gateway learns of its dead links
//! one by one. Losses are numbered. A probe has the number of the last loss, so its answer tells
//! which losses it came after.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::message::{ProbeNumber, ToNode};
use protocol::view::{Member, View};

use super::nodes::KnownNodes;
use crate::gateway::effect::GatewayEffect;
use crate::placement::{Place, Ring};
use crate::time::Time;

/// Links lost within this time of each other count as lost together.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The losses that were noticed, and who has to show that it is alive since.
#[derive(Debug)]
pub(super) struct NoticedLosses {
    /// The number of the last one.
    last: ProbeNumber,
    /// When the link of each node was lost, lately.
    links: BTreeMap<Place, Time>,
    /// The nodes in whose favour a view could change, and that have not shown that they are alive.
    to_probe: BTreeSet<Place>,
}

/// How many links are lost at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinksLost {
    /// Those of a few nodes.
    Few,
    /// Those of most nodes: the fault is likely at this end.
    Most,
}

impl NoticedLosses {
    /// At the start every node is missing: whoever a view changes in favour of has to answer a
    /// probe.
    pub(super) fn at_start() -> Self {
        Self { last: ProbeNumber(1), links: BTreeMap::new(), to_probe: BTreeSet::new() }
    }

    /// The number of the last loss.
    pub(super) fn last(&self) -> ProbeNumber {
        self.last
    }

    /// A loss at this node is noticed: of its link, of its data, or of what that is worth.
    pub(super) fn notice(&mut self, nodes: &mut KnownNodes, place: Place) {
        self.last = ProbeNumber(self.last.0.saturating_add(1));
        nodes.get_mut(place).loss = self.last;
    }

    /// A link is lost.
    pub(super) fn notice_link(
        &mut self,
        nodes: &mut KnownNodes,
        ring: &Ring,
        now: Time,
        place: Place,
    ) -> LinksLost {
        self.notice(nodes, place);
        self.links.insert(place, now);
        self.links.retain(|_, lost| now.since(*lost) <= AT_ONCE);
        let is_most = self.links.len().saturating_mul(2) > ring.size();
        if is_most { LinksLost::Most } else { LinksLost::Few }
    }

    /// Whether a member of a view has answered a probe which was sent after the other one was lost.
    /// If only the answer is missing, its node is probed.
    pub(super) fn is_alive_since(
        &mut self,
        nodes: &KnownNodes,
        ring: &Ring,
        view: &View,
        member: Member,
    ) -> bool {
        let place = ring.holder(view.partition, member);
        let other = nodes.get(ring.holder(view.partition, member.other()));
        let loss = other.map_or(ProbeNumber::default(), |other| other.loss);
        let is_alive = nodes.linked(place).is_some_and(|linked| linked.answered >= loss);
        if !is_alive {
            self.to_probe.insert(place);
        }
        is_alive
    }

    /// Probes the nodes that a view could change in favour of.
    pub(super) fn send_probes(&mut self, nodes: &mut KnownNodes, effects: &mut Vec<GatewayEffect>) {
        for place in std::mem::take(&mut self.to_probe) {
            let probe = self.last;
            let Some(linked) = nodes.linked_mut(place) else { continue };
            if linked.probed < probe {
                linked.probed = probe;
                effects.push(GatewayEffect::send(linked.link, ToNode::Probe(probe)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_lost_at_once_if_most_of_them_are_lost_within_a_second() {
        let ids = ["db-0", "db-1", "db-2"].map(|id| id.parse().unwrap());
        let ring = Ring::new(ids.to_vec()).unwrap();
        let mut losses = NoticedLosses::at_start();
        let mut nodes = KnownNodes::missing(&ring, losses.last());
        let places = ring.places().collect::<Vec<_>>();
        let mut lose = |ms, place: usize| {
            losses.notice_link(
                &mut nodes,
                &ring,
                Time::at(Duration::from_millis(ms)),
                places[place],
            )
        };
        assert_eq!(lose(0, 0), LinksLost::Few);
        assert_eq!(lose(1_001, 1), LinksLost::Few, "the first one was lost before");
        assert_eq!(lose(1_500, 1), LinksLost::Few, "it is the same node");
        assert_eq!(lose(1_900, 2), LinksLost::Most);
    }
}
