//! What the controller decides, on what is published and what it knows of the links.

use protocol::message::{Ask, ToNode};
use protocol::view::{InSync, Member, View};

use super::{ClusterState, Controller, NodeState};
use crate::gateway::GatewayEffect;
use crate::time::Time;

impl Controller {
    /// The state to go to, where it differs from the published one. Asks that are not granted are refused or, if they
    /// are out of date, dropped.
    pub(super) fn decide(
        &mut self,
        now: Time,
        effects: &mut Vec<GatewayEffect>,
    ) -> Option<ClusterState> {
        let Some(published) = self.published.clone() else { return self.form() };
        let mut decided = ClusterState { boot: self.boot, ..published.clone() };
        for view in &mut decided.views {
            let granted = self.answer_ask(view, effects);
            let in_sync = granted.or_else(|| self.shrink(view, now));
            if let Some(in_sync) = in_sync {
                *view = View { epoch: view.epoch.next(), in_sync, decided_by: self.boot, ..*view };
            }
        }
        (decided != published).then_some(decided)
    }

    /// Formation: every node is linked, and none was ever in a cluster.
    fn form(&self) -> Option<ClusterState> {
        let founder = |place| {
            let hello = &self.linked(place)?.hello;
            Some(NodeState { id: hello.node.clone(), incarnation: hello.incarnation })
        };
        let nodes = self.ring.places().map(founder).collect::<Option<Vec<_>>>()?;
        Some(ClusterState::formed(self.new_cluster, self.boot, &self.ring, nodes))
    }

    /// Rule 6: an ask counts for the epoch it names and the link it came over; the joiner it names must be linked.
    fn answer_ask(&mut self, view: &View, effects: &mut Vec<GatewayEffect>) -> Option<InSync> {
        let (link, Ask { ask, partition, epoch, joiner }) = self.asks.remove(&view.partition)?;
        let home = self.welcomed(self.ring.holder(partition, Member::Home))?;
        let InSync::HomeOnly { home: in_sync } = view.in_sync else { return None };
        if home.link != link || home.hello.incarnation != in_sync || epoch != view.epoch {
            return None;
        }
        match self.welcomed(self.ring.holder(partition, Member::Next)) {
            Some(next) if next.hello.incarnation == joiner => {
                Some(InSync::Both { home: in_sync, next: joiner })
            }
            Some(_) | None => {
                effects.push(GatewayEffect::send(link, ToNode::AskRefused { partition, ask }));
                None
            }
        }
    }

    /// Rule 5: never the last member, and only in favour of one whose link is up.
    fn shrink(&self, view: &View, now: Time) -> Option<InSync> {
        let InSync::Both { home, .. } = view.in_sync else { return None };
        let survivor = self.linked(self.ring.holder(view.partition, Member::Home))?;
        let next_lost = self.linked(self.ring.holder(view.partition, Member::Next)).is_none();
        let unreachable = survivor.unreachable == Some(view.epoch);
        let due = now >= self.grace_until && (next_lost || unreachable);
        due.then_some(InSync::HomeOnly { home })
    }
}
