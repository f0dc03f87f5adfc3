//! Who is alive now: rule 5 lets a view change only in favour of a member that has answered a probe which was sent
//! after the loss was noticed.
//!
//! ```text
//!   a loss is noticed          the survivor answers
//!   -----------------> probe ----------------------> the view may change
//! ```
//!
//! A link that is not known to be lost proves nothing: a gateway that stood still finds all its links dead, and hears of
//! them one after the other. Losses are numbered. A probe has the number of the last loss, so its answer tells which
//! losses it came after.

use std::time::Duration;

use protocol::id::Incarnation;
use protocol::message::{Condition, DiskState, ProbeNumber, ToNode};
use protocol::view::{Member, View};

use super::{Controller, NodeLink};
use crate::gateway::effect::GatewayEffect;
use crate::placement::Place;
use crate::time::Time;

/// Nodes whose links are lost within this time are lost at once.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Controller {
    /// A loss at this node is noticed: of its link, of its data, or of what that is worth.
    pub(super) fn notice_loss(&mut self, place: Place) {
        self.losses = ProbeNumber(self.losses.0.saturating_add(1));
        self.nodes.entry(place).or_default().loss = self.losses;
    }

    /// A link is lost. Where those of most nodes are lost at once the fault is likely at this end, and nodes get time to connect.
    pub(super) fn notice_lost_link(&mut self, now: Time, place: Place) {
        self.notice_loss(place);
        self.links_lost.insert(place, now);
        self.links_lost.retain(|_, lost| now.since(*lost) <= AT_ONCE);
        if self.links_lost.len().saturating_mul(2) > self.ring.size() {
            self.begin_grace(now);
        }
    }

    /// A node comes with this data. If that is not what the ring knows it by, and what each view counts on, something is lost.
    pub(super) fn notice_lost_data(&mut self, place: Place, incarnation: Incarnation) {
        let is_all_there = self.decided().is_some_and(|state| {
            let is_counted_on = |member| {
                let view = state.view(self.ring.partition_at(place, member));
                let named = view.and_then(|view| view.in_sync.incarnation(member));
                named.is_none_or(|named| named == incarnation)
            };
            state.incarnation_at(place) == Some(incarnation)
                && Member::ALL.into_iter().all(is_counted_on)
        });
        if !is_all_there {
            self.notice_loss(place);
        }
    }

    /// From now on nodes have time to connect before a view shrinks.
    pub(crate) fn begin_grace(&mut self, now: Time) {
        self.grace_until = self.grace_until.max(now + self.grace);
    }

    /// A node has answered a probe.
    pub(super) fn alive(&mut self, place: Place, probe: ProbeNumber) {
        if let Some(linked) = self.nodes.entry(place).or_default().link.as_mut() {
            linked.answered = linked.answered.max(probe);
        }
    }

    /// Whether a view may drop the other member in favour of this one (rule 5). If only the answer to a probe is missing,
    /// the node is probed.
    pub(super) fn may_survive(&mut self, view: &View, member: Member) -> bool {
        self.could_survive(view, member) && self.is_alive_since_loss(view, member)
    }

    fn is_alive_since_loss(&mut self, view: &View, member: Member) -> bool {
        let place = self.ring.holder(view.partition, member);
        let other = self.ring.holder(view.partition, member.other());
        let loss = self.nodes.entry(other).or_default().loss;
        let is_alive = self.linked(place).is_some_and(|linked| linked.answered >= loss);
        if !is_alive {
            self.to_probe.insert(place);
        }
        is_alive
    }

    /// Whether a member is linked, whole, not ending, and has a disk that answers. One that is damaged will do where the
    /// other one was, too: it serves the rows that are whole.
    pub(super) fn could_survive(&self, view: &View, member: Member) -> bool {
        let place = self.ring.holder(view.partition, member);
        let is_worth_it = match self.condition_in(view, member) {
            Some(Condition::Whole) => true,
            Some(Condition::Damaged) => self.was_not_whole(view, member.other()),
            Some(Condition::Partial | Condition::Unreadable) | None => false,
        };
        let answers = |linked: &NodeLink| linked.disk == DiskState::Answers;
        is_worth_it && self.linked(place).is_some_and(answers) && self.last_words(place).is_none()
    }

    /// Whether a member's data is gone, or was last said to be worth less than a whole copy.
    fn was_not_whole(&self, view: &View, member: Member) -> bool {
        if self.state().and_then(|state| state.lost_member(&self.ring, view)) == Some(member) {
            return true;
        }
        let node = self.nodes.get(&self.ring.holder(view.partition, member));
        let known = node.and_then(|node| node.conditions.get(&member));
        known.is_some_and(|(incarnation, condition)| {
            view.in_sync.incarnation(member) == Some(*incarnation) && *condition != Condition::Whole
        })
    }

    /// Probes the nodes that a view could change in favour of.
    pub(super) fn send_probes(&mut self, effects: &mut Vec<GatewayEffect>) {
        for place in std::mem::take(&mut self.to_probe) {
            let probe = self.losses;
            let Some(linked) = self.nodes.entry(place).or_default().link.as_mut() else { continue };
            if linked.probed < probe {
                linked.probed = probe;
                effects.push(GatewayEffect::send(linked.link, ToNode::Probe(probe)));
            }
        }
    }
}
