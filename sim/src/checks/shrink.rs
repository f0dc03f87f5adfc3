//! Rule 5, *shrink*, *alive now*: a view drops a member only in favour of one that is linked,
//! does not end, has a disk that answers, and has answered a probe sent after the loss was
//! noticed. A member is its node *and* its data: a node that came back without its data is not
//! the member to be kept.
//!
//! Home leaves the view *both* only if its data is lost or damaged. After a start of the
//! gateway, or after most links were lost at once, nodes have time to connect before a lost
//! link counts.

mod losses;

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::id::GatewayBoot;
use protocol::view::{InSync, Member, View};
use ring_core::placement::Place;
use service::events::{Event, GatewayFact};

use self::losses::{Loss, Losses};
use super::check::Check;
use crate::model::{Model, named};
use crate::plan::swarm::Swarm;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// Links lost within this time are lost at once. The gateway's own limit is a little longer.
const AT_ONCE: Duration = Duration::from_millis(990);

/// The inaccuracy of event times.
const SLACK: Duration = Duration::from_millis(20);

/// See the [module](self).
#[derive(Debug)]
pub struct Shrink {
    grace: Duration,
    losses: Losses,
    /// When each lately lost link was lost, by node.
    links_lost: BTreeMap<Place, Moment>,
    /// Before this moment no view shrinks for a lost link.
    grace_until: Moment,
}

impl Shrink {
    /// A check for the grace period of a run.
    pub fn new(swarm: &Swarm) -> Self {
        Self {
            grace: Duration::from_millis(swarm.grace_ms),
            losses: Losses::default(),
            links_lost: BTreeMap::new(),
            grace_until: Moment::default(),
        }
    }

    fn link_lost(&mut self, model: &Model, at: Moment, place: Place) {
        self.links_lost.insert(place, at);
        self.links_lost.retain(|_, lost| lost.0 + AT_ONCE >= at.0);
        if 2 * self.links_lost.len() > model.ring.size() {
            self.grace_until = Moment(at.0 + self.grace);
        }
    }

    fn judge(
        &self,
        model: &Model,
        gateway: GatewayBoot,
        at: Moment,
        view: &View,
    ) -> Result<(), String> {
        let Some(before) = model.published.get(&view.partition) else { return Ok(()) };
        let dropped = match (before.in_sync, view.in_sync) {
            (InSync::Both { .. }, InSync::HomeOnly { .. }) => Member::Next,
            (InSync::Both { .. } | InSync::HomeOnly { .. }, InSync::NextOnly { .. }) => {
                Member::Home
            }
            _ => return Ok(()),
        };
        let place_of = |member| model.ring.holder(view.partition, member);
        let (lost, kept) = (place_of(dropped), place_of(dropped.other()));
        let has_other_data = named(before.in_sync, dropped)
            .is_some_and(|named| self.losses.has_other_data(lost, named));
        if let (InSync::Both { home, .. }, Member::Home) = (before.in_sync, dropped) {
            let copy = model.holder(view.partition, Member::Home);
            if copy.incarnation == Some(home) && !copy.copy(Member::Home).is_damaged {
                return Err("home is dropped, though it has its data".to_owned());
            }
        }
        let is_linked = model.links.iter().any(|((of, _), linked)| {
            (*of, linked.place) == (gateway, kept)
                && named(view.in_sync, dropped.other()) == Some(linked.incarnation)
        });
        let node = model.ring.node_at(kept);
        if !is_linked {
            return Err(format!("in favour of {node}, which is not linked with that data"));
        }
        for loss in [Loss::Disk, Loss::Ending] {
            if self.losses.is_noticed(kept, loss) {
                return Err(format!("in favour of {node}, which is about to be lost ({loss:?})"));
            }
        }
        let mut losses =
            vec![Loss::Link, Loss::Disk, Loss::Ending, Loss::Copy(dropped), Loss::Unreachable];
        losses.extend(has_other_data.then_some(Loss::Data));
        let Some(noticed) = self.losses.noticed_at(lost, &losses) else {
            return Err(format!("nothing of {} is lost", model.ring.node_at(lost)));
        };
        if !self.losses.is_alive_since(kept, noticed) {
            let detail = "which has answered no probe since the loss was noticed";
            return Err(format!("in favour of {node}, {detail}"));
        }
        let is_for_data = has_other_data || self.losses.is_noticed(lost, Loss::Copy(dropped));
        if !is_for_data && at.0 + SLACK < self.grace_until.0 {
            return Err(format!("nodes have until {} to connect", self.grace_until));
        }
        Ok(())
    }
}

impl Check for Shrink {
    fn rule(&self) -> Rule {
        Rule {
            check: "shrink",
            says: "rule 5: a view drops a member only in favour of one that is linked and alive now",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Gateway { gateway, event }) = seen else { return Ok(()) };
        if let Some(place) = self.losses.follow(model, *gateway, event) {
            self.link_lost(model, at, place);
        }
        match event {
            GatewayFact::Starts { .. } => {
                self.links_lost.clear();
                self.grace_until = Moment(at.0 + self.grace);
                Ok(())
            }
            GatewayFact::Decides(view) => self.judge(model, *gateway, at, view).map_err(|why| {
                let detail = format!("shrunk to {view}: {why}");
                Finding::safety(at, detail).of(view.partition)
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::message::DiskState;
    use service::events::Said;

    use super::super::support::*;
    use super::*;
    use crate::plan::{Options, Plan};

    /// A formed cluster with a grace period of zero.
    fn scene() -> Scene<Shrink> {
        let swarm = Swarm { grace_ms: 0, ..Plan::draw(1, &Options::default()).swarm };
        Scene::formed(Shrink::new(&swarm))
    }

    fn lost(place: usize) -> Seen {
        gateway(GatewayFact::Unlinked { link: place as u64, node: id(place) })
    }

    fn decides(view: View) -> Seen {
        gateway(GatewayFact::Decides(view))
    }

    #[test]
    fn a_view_that_shrinks_in_favour_of_who_is_alive_is_fine() {
        let mut scene = scene();
        scene.play(lost(1));
        alive(0, 2).into_iter().for_each(|seen| scene.play(seen));
        scene.play(decides(home_only(0, 2)));
    }

    #[test]
    fn a_view_that_shrinks_to_a_lost_home_is_seen() {
        let mut scene = scene();
        scene.play(lost(1));
        alive(0, 2).into_iter().for_each(|seen| scene.play(seen));
        scene.play(lost(0));
        let finding = scene.objects(decides(home_only(0, 2)));
        assert!(finding.detail.contains("not linked"), "{}", finding.detail);
    }

    #[test]
    fn a_view_that_shrinks_to_a_home_without_its_data_is_seen() {
        let mut scene = scene();
        scene.play(lost(1));
        scene.play(lost(0));
        scene.play(gateway(GatewayFact::Linked {
            link: 7,
            node: id(0),
            incarnation: incarnation(8),
            boot: protocol::id::Boot { count: 1, nonce: uuid::Uuid::from_u128(7) },
        }));
        alive(0, 2).into_iter().for_each(|seen| scene.play(seen));
        scene.objects(decides(home_only(0, 2)));
    }

    #[test]
    fn a_home_that_is_dropped_with_its_data_is_seen() {
        let mut scene = scene();
        scene.play(lost(0));
        alive(1, 2).into_iter().for_each(|seen| scene.play(seen));
        let next_only = InSync::NextOnly { next: incarnation(1) };
        scene.objects(decides(view(0, 2, next_only)));
    }

    #[test]
    fn an_answer_to_a_probe_that_was_sent_before_the_loss_is_no_sign_of_life() {
        let mut scene = scene();
        let [probes, answers] = alive(0, 2);
        scene.play(probes);
        scene.play(lost(1));
        scene.play(answers);
        let finding = scene.objects(decides(home_only(0, 2)));
        assert!(finding.detail.contains("no probe since"), "{}", finding.detail);
        alive(0, 3).into_iter().for_each(|seen| scene.play(seen));
        scene.play(decides(home_only(0, 2)));
    }

    #[test]
    fn an_answer_over_a_link_before_is_no_sign_of_life() {
        let mut scene = scene();
        scene.play(lost(1));
        alive(0, 2).into_iter().for_each(|seen| scene.play(seen));
        scene.play(lost(0));
        scene.play(linked(7, 0));
        scene.objects(decides(home_only(0, 2)));
    }

    #[test]
    fn a_view_that_shrinks_to_a_silent_disk_is_seen() {
        let mut scene = scene();
        scene.play(lost(1));
        scene.play(hears(0, Said::Disk(DiskState::Silent)));
        alive(0, 3).into_iter().for_each(|seen| scene.play(seen));
        scene.objects(decides(home_only(0, 2)));
        scene.play(hears(0, Said::Disk(DiskState::Answers)));
        scene.play(decides(home_only(0, 2)));
    }

    #[test]
    fn a_view_that_shrinks_for_nothing_is_seen() {
        let mut scene = scene();
        alive(0, 1).into_iter().for_each(|seen| scene.play(seen));
        let finding = scene.objects(decides(home_only(0, 2)));
        assert!(finding.detail.contains("nothing of db-1"), "{}", finding.detail);
    }

    #[test]
    fn a_view_that_shrinks_at_once_after_most_links_were_lost_is_seen() {
        let swarm = Swarm { grace_ms: 100, ..Plan::draw(1, &Options::default()).swarm };
        let mut scene = Scene::formed(Shrink::new(&swarm));
        let read = || Seen::World(crate::seen::WorldDid::Starts(crate::plan::host::Host::Clients));
        // The events of a scene are a millisecond apart.
        (0..200).for_each(|_| scene.play(read()));
        scene.play(lost(1));
        scene.play(lost(0));
        scene.play(linked(7, 0));
        alive(0, 2).into_iter().for_each(|seen| scene.play(seen));
        let finding = scene.objects(decides(home_only(0, 2)));
        assert!(finding.detail.contains("to connect"), "{}", finding.detail);
        (0..100).for_each(|_| scene.play(read()));
        scene.play(decides(home_only(0, 2)));
    }
}
