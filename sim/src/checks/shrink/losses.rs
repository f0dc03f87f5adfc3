//! The losses noticed by a gateway, and the nodes that have answered a probe since.

use std::collections::BTreeMap;

use protocol::id::{GatewayBoot, Incarnation};
use protocol::message::{Condition, DiskState, ProbeNumber};
use protocol::view::Member;
use ring_core::placement::Place;
use service::events::{GatewayFact, Said};

use crate::model::Model;

/// A reason for a view to do without a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// The node is not linked.
    Link,
    /// The node's disk does not answer.
    Disk,
    /// The node has said that it ends.
    Ending,
    /// The node linked with other data than before.
    Data,
    /// A copy of the node is not whole.
    Copy(Member),
    /// The node before this one cannot reach it.
    Unreachable,
}

/// The losses and signs of life, each with the number of the event that told it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// The number of the last event.
    last: u64,
    losses: BTreeMap<(Place, Loss), u64>,
    /// The data that each node linked with last.
    data: BTreeMap<Place, Incarnation>,
    /// For each probe, the number of the event that sent it.
    probes: BTreeMap<(Place, ProbeNumber), u64>,
    /// For each node, the number of the event that sent the newest probe answered over its
    /// present link.
    answered: BTreeMap<Place, u64>,
}

impl Losses {
    /// Follows an event of a gateway. Returns the node if the event is the loss of its link.
    pub(super) fn follow(
        &mut self,
        model: &Model,
        gateway: GatewayBoot,
        event: &GatewayFact,
    ) -> Option<Place> {
        self.last += 1;
        match event {
            GatewayFact::Starts { .. } => {
                // A gateway starts without links.
                let missing = model.ring.places().map(|place| ((place, Loss::Link), self.last));
                *self = Self { last: self.last, losses: missing.collect(), ..Self::default() };
            }
            GatewayFact::Linked { node, incarnation, .. } => {
                let place = model.ring.place_of(node)?;
                let next = model.ring.next(place);
                // Forgets the losses of this node, and its word about its next node. The word
                // of the node before it stays, because that node does not say it again.
                self.losses.retain(|(lost, loss), _| match loss {
                    Loss::Unreachable => *lost != next,
                    _ => *lost != place,
                });
                self.data.insert(place, *incarnation);
                self.answered.remove(&place);
                self.notice(place, Loss::Data);
            }
            GatewayFact::Unlinked { link, node } => {
                let place = model.ring.place_of(node)?;
                let is_replaced = model.links.iter().any(|((of, other), linked)| {
                    *of == gateway && other != link && linked.place == place
                });
                if !is_replaced {
                    self.answered.remove(&place);
                    self.notice(place, Loss::Link);
                    return Some(place);
                }
            }
            GatewayFact::Probes { node, probe } => {
                let place = model.ring.place_of(node)?;
                self.probes.insert((place, *probe), self.last);
            }
            GatewayFact::Hears { node, said } => {
                self.hear(model, model.ring.place_of(node)?, *said);
            }
            _ => {}
        }
        None
    }

    fn hear(&mut self, model: &Model, place: Place, said: Said) {
        match said {
            Said::Report { home, next } => {
                for (member, condition) in [(Member::Home, home), (Member::Next, next)] {
                    if condition != Condition::Whole {
                        self.notice(place, Loss::Copy(member));
                    }
                }
            }
            Said::Condition { partition, condition } => {
                let is_of = |member: &Member| model.ring.holder(partition, *member) == place;
                if condition != Condition::Whole
                    && let Some(member) = Member::ALL.into_iter().find(is_of)
                {
                    self.notice(place, Loss::Copy(member));
                }
            }
            Said::Disk(DiskState::Silent) => self.notice(place, Loss::Disk),
            Said::Disk(DiskState::Answers) => {
                self.losses.remove(&(place, Loss::Disk));
            }
            Said::NextUnreachable(_) => self.notice(model.ring.next(place), Loss::Unreachable),
            Said::Goodbye => self.notice(place, Loss::Ending),
            Said::Alive(probe) => {
                if let Some(sent) = self.probes.get(&(place, probe)) {
                    let newest = self.answered.entry(place).or_default();
                    *newest = (*newest).max(*sent);
                }
            }
            Said::Durable { .. } | Said::Reply(_) | Said::Undecodable(_) => {}
        }
    }

    fn notice(&mut self, place: Place, loss: Loss) {
        self.losses.insert((place, loss), self.last);
    }

    /// Whether a loss was noticed and, as far as is known, still lasts.
    pub(super) fn is_noticed(&self, place: Place, loss: Loss) -> bool {
        self.losses.contains_key(&(place, loss))
    }

    /// Whether a node has linked with other data than a view names.
    pub(super) fn has_other_data(&self, place: Place, named: Incarnation) -> bool {
        self.data.get(&place).is_some_and(|data| *data != named)
    }

    /// The number of the first event that told one of these losses.
    pub(super) fn noticed_at(&self, place: Place, losses: &[Loss]) -> Option<u64> {
        let noticed = losses.iter().filter_map(|loss| self.losses.get(&(place, *loss)));
        noticed.min().copied()
    }

    /// Whether a node has answered a probe sent after an event.
    pub(super) fn is_alive_since(&self, place: Place, noticed: u64) -> bool {
        self.answered.get(&place).is_some_and(|sent| *sent > noticed)
    }
}
