//! Nodes with nothing to do: no update waits to its deadline for one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use history::users::Input;
use protocol::id::PartitionId;
use protocol::message::{CallId, DiskState};
use protocol::view::Member;
use ring_core::placement::Place;
use service::events::{Event, GatewayFact, NodeFact, ReplyKind, Said};

use crate::model::{Model, has_primary, named};
use crate::seen::{Answered, Moment, Seen};

/// How long a node must have had nothing to do, and nothing may have changed.
const IDLE: Duration = Duration::from_secs(1);

/// How long the requests of a partition may wait for another view after a copy refused one of
/// them.
const REFUSED: Duration = Duration::from_secs(10);

/// The nodes with nothing to do, and the times to find them by.
#[derive(Debug)]
pub(super) struct Idle {
    deadline: Duration,
    /// The updates under way at each node, with their send times.
    under_way: BTreeMap<Place, BTreeMap<CallId, Moment>>,
    /// When the gateway heard the last answer of each node.
    answered: BTreeMap<Place, Moment>,
    /// When each node was welcomed.
    welcomed: BTreeMap<Place, Moment>,
    /// The nodes with a silent disk.
    silent: BTreeSet<Place>,
    /// When the view of each partition was last published or forgotten.
    changed: BTreeMap<PartitionId, Moment>,
    /// When a copy of each partition last refused a request.
    refused: BTreeMap<PartitionId, Moment>,
}

impl Idle {
    /// With the deadline of requests.
    pub(super) fn new(deadline: Duration) -> Self {
        Self {
            deadline,
            under_way: BTreeMap::new(),
            answered: BTreeMap::new(),
            welcomed: BTreeMap::new(),
            silent: BTreeSet::new(),
            changed: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    pub(super) fn follow(&mut self, model: &Model, at: Moment, seen: &Seen) {
        match seen {
            Seen::Inside(Event::Gateway { event, .. }) => self.hear(model, at, event),
            Seen::Inside(Event::Node {
                node,
                event: NodeFact::Replies { call, reply: ReplyKind::Fenced, .. },
            }) => {
                if let Some(called) = model.call(node, *call) {
                    self.refused.insert(called.partition, at);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, model: &Model, at: Moment, event: &GatewayFact) {
        match event {
            GatewayFact::Starts { .. } => *self = Self::new(self.deadline),
            GatewayFact::Publishes(view) => {
                self.changed.insert(view.partition, at);
            }
            GatewayFact::Forgets { partition } => {
                self.changed.insert(*partition, at);
            }
            GatewayFact::Welcomes { node, .. } => {
                if let Some(place) = model.ring.place_of(node) {
                    self.welcomed.insert(place, at);
                }
            }
            GatewayFact::Unlinked { node, .. } | GatewayFact::Linked { node, .. } => {
                if let Some(place) = model.ring.place_of(node) {
                    self.welcomed.remove(&place);
                    self.under_way.remove(&place);
                    self.silent.remove(&place);
                }
            }
            GatewayFact::Requests { node, call, request: Some(_), .. } => {
                if let Some(place) = model.ring.place_of(node) {
                    self.under_way.entry(place).or_default().insert(*call, at);
                }
            }
            GatewayFact::Hears { node, said } => {
                let Some(place) = model.ring.place_of(node) else { return };
                match said {
                    Said::Reply(call) => {
                        self.under_way.entry(place).or_default().remove(call);
                        self.answered.insert(place, at);
                    }
                    Said::Disk(DiskState::Silent) => {
                        self.silent.insert(place);
                    }
                    // The gateway sends the requests waiting for the disk only now.
                    Said::Disk(DiskState::Answers) => {
                        self.silent.remove(&place);
                        self.answered.insert(place, at);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Judges an operation at its end.
    pub(super) fn judge(
        &self,
        model: &Model,
        at: Moment,
        answered: &Answered,
    ) -> Result<(), String> {
        let Answered { input, status: Some(503), took, .. } = answered else { return Ok(()) };
        if matches!(input, Input::Read { .. }) || *took < self.deadline {
            return Ok(());
        }
        let Ok(id) = input.id().parse() else { return Ok(()) };
        let partition = model.ring.partition_of(&id);
        let place = model.ring.holder(partition, Member::Home);
        let since = |moment: Option<&Moment>, ago: Duration| {
            moment.is_none_or(|moment| moment.0 + ago <= at.0)
        };
        let view = model.published.get(&partition);
        let has_lost_data = |member: Member| {
            let named = view.and_then(|view| named(view.in_sync, member));
            let place = model.ring.holder(partition, member);
            let mut links = model.links.values().filter(|linked| linked.place == place);
            named.is_some_and(|named| links.any(|linked| linked.incarnation != named))
        };
        let is_served = view.is_some_and(|view| has_primary(view.in_sync))
            && !Member::ALL.into_iter().any(has_lost_data)
            && since(self.changed.get(&partition), IDLE)
            && since(self.refused.get(&partition), REFUSED)
            && self.welcomed.get(&place).is_some_and(|welcomed| welcomed.0 + IDLE <= at.0)
            && !self.silent.contains(&place)
            && !model.deciding.contains_key(&partition);
        let calls = self.under_way.get(&place).into_iter().flatten();
        let is_idle = since(self.answered.get(&place), IDLE)
            && calls.into_iter().all(|(_, sent)| sent.0 + self.deadline + IDLE <= at.0);
        if is_served && is_idle {
            let node = model.ring.node_at(place);
            return Err(format!("an update was not sent to {node}, which has nothing to do"));
        }
        Ok(())
    }
}
