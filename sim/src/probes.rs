//! Sometimes-probes: named situations that are rare and worth reaching. A sweep proves less
//! than it seems to if it never reaches one of them, so such a sweep fails.

mod client;
mod gateway;
mod node;
mod probe;

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{GatewayBoot, NodeId, PartitionId, Position, RequestId, Seq};
use protocol::message::CallId;
use protocol::view::Member;
use service::events::Event;

use crate::model::Model;
use crate::plan::host::Host;
use crate::seen::{ClientDid, Ended, Phase, Seen, StateDid, StorageDid, WorldDid};

pub use self::probe::Probe;

/// A part of the error of a node that ends because its disk does not answer.
const SILENT: &str = "has not answered";

/// Finds the probes reached in a run.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    sent: BTreeSet<RequestId>,
    applied: BTreeSet<(PartitionId, RequestId)>,
    started: BTreeSet<Host>,
    /// The last durable entry of each node's two copies, home first, when its storage was
    /// opened.
    durable_before: BTreeMap<usize, [Position; 2]>,
    nodes_joined: BTreeSet<NodeId>,
    /// The committed position of a next copy when a read was sent to it.
    committed_at_read: BTreeMap<(GatewayBoot, CallId), Seq>,
    /// The last entry sent, by its sender and the receiving copy.
    appended: BTreeMap<(NodeId, Member), Position>,
    /// The running processes.
    up: BTreeSet<Host>,
    /// Whether the phase is *load*: clients ask for updates while a node with a slow disk comes
    /// back.
    is_under_load: bool,
    /// The copies in the middle of a snapshot when their node started.
    interrupted: BTreeSet<(NodeId, Member)>,
    /// The nodes with an unanswered probe message.
    probed: BTreeSet<NodeId>,
    /// The requests sent over each node's link, and whether each was alone in its frame.
    calls: BTreeMap<NodeId, BTreeMap<CallId, bool>>,
}

impl Probes {
    /// The probes reached by an event. `model` is the state of the cluster before it.
    pub(crate) fn reached(&mut self, model: &Model, seen: &Seen) -> Vec<Probe> {
        match seen {
            Seen::Inside(Event::Gateway { gateway, event }) => {
                self.by_gateway(model, *gateway, event)
            }
            Seen::Inside(Event::Node { node, event }) => self.by_node(model, node, event),
            Seen::Storage { node, did } => self.by_storage(model, *node, did),
            Seen::State { did, .. } => match did {
                StateDid::Locked => vec![Probe::SecondGatewayLocked],
                StateDid::Failed => vec![Probe::SaveFailed],
                StateDid::Saved(_) => Vec::new(),
            },
            Seen::Client { did: ClientDid::Completed(answered), .. } => {
                client::reached(model, answered)
            }
            Seen::Client { .. } => Vec::new(),
            Seen::World(did) => self.by_world(model, did),
        }
    }

    fn by_storage(&mut self, model: &Model, node: usize, did: &StorageDid) -> Vec<Probe> {
        match did {
            StorageDid::WriteBegins(_) | StorageDid::Written(_) | StorageDid::SyncBegins(_) => {
                Vec::new()
            }
            StorageDid::Synced(_) => {
                let known = &model.nodes[node];
                let synced = [&known.home.entry, &known.next.entry]
                    .map(|entry| entry.written.seq.0.saturating_sub(entry.durable.seq.0));
                let is_group = synced.iter().sum::<u64>() > 1;
                is_group.then_some(Probe::GroupCommit).into_iter().collect()
            }
            StorageDid::Failed(detail) if detail.contains("full") => vec![Probe::DiskFull],
            StorageDid::Failed(_) => vec![Probe::DiskFailed],
            StorageDid::ReadFailed => vec![Probe::ReadFailed],
            StorageDid::Opened => {
                let known = &model.nodes[node];
                let durable = [known.home.entry.durable, known.next.entry.durable];
                self.durable_before.insert(node, durable);
                Vec::new()
            }
        }
    }

    fn by_world(&mut self, model: &Model, did: &WorldDid) -> Vec<Probe> {
        match did {
            WorldDid::Starts(host) => {
                self.started.insert(*host);
                self.up.insert(*host);
                Vec::new()
            }
            WorldDid::Kills(host, _) | WorldDid::Ended(host, Ended::Storage(_)) => {
                let mut reached = Vec::new();
                if matches!(did, WorldDid::Ended(_, Ended::Storage(why)) if why.contains(SILENT)) {
                    reached.push(Probe::DiskDeadline);
                }
                match host {
                    Host::Gateway if !model.deciding.is_empty() => {
                        reached.push(Probe::GatewayDiedSaving);
                    }
                    Host::Node(place) => {
                        let node = &model.nodes[*place];
                        if node.has_asked() {
                            reached.push(Probe::AskInterrupted);
                        }
                        if self.started.contains(host) && node.joined.is_none() {
                            reached.push(Probe::DiedInRecovery);
                        }
                    }
                    _ => {}
                }
                self.started.remove(host);
                self.up.remove(host);
                reached
            }
            WorldDid::Ended(host, _) => {
                self.up.remove(host);
                Vec::new()
            }
            WorldDid::Phase(phase) => {
                self.is_under_load = *phase == Phase::Load;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::Epoch;
    use protocol::message::{Ask, AskNumber};
    use protocol::view::{InSync, Member};
    use service::events::NodeFact;

    use super::*;
    use crate::checks::documented::Documented;
    use crate::checks::support::{P0, Scene, incarnation, node, view};
    use crate::plan::step::Death;

    #[test]
    fn the_death_of_a_next_that_asks_interrupts_its_ask() {
        let mut scene = Scene::formed(Documented);
        let kill = Seen::World(WorldDid::Kills(Host::Node(1), Death::Killed));
        assert_eq!(Probes::default().reached(&scene.model, &kill), []);
        scene.acts(1, Member::Next, view(0, 2, InSync::NextOnly { next: incarnation(1) }));
        let (ask, epoch, joiner) = (AskNumber(1), Epoch(2), incarnation(0));
        scene.play(node(1, NodeFact::Asks(Ask { ask, partition: P0, epoch, joiner })));
        assert_eq!(Probes::default().reached(&scene.model, &kill), [Probe::AskInterrupted]);
    }
}
