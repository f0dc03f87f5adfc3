//! Sometimes-probes: named marks of situations that are rare and worth reaching. A sweep that never reaches one of them
//! proves less than it seems to, so it fails.

use std::collections::{BTreeMap, BTreeSet};

use history::Outcome;
use history::users::Input;
use process::events::{Event, GatewayEvent, NodeEvent, Peer, ReplyKind};
use protocol::id::{NodeId, PartitionId, Position, RequestId};
use protocol::view::{InSync, Member};

use crate::model::Model;
use crate::plan::host::Host;
use crate::seen::{Answered, ClientDid, Ended, Seen, StateDid, StorageDid, WorldDid};

macro_rules! probes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A situation worth reaching.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Probe {
            $($(#[$doc])* $name,)+
        }

        impl Probe {
            /// Every probe.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

probes! {
    /// A view shrank because next was lost.
    ViewShrinks = "view shrinks",
    /// A view expanded after an ask.
    ViewExpands = "view expands",
    /// The controller refused an ask.
    AskRefused = "ask refused",
    /// A donor died, or lost its gateway, while its ask was open.
    AskInterrupted = "ask interrupted",
    /// A donor that asked wrote more before the view came.
    WriteDuringAsk = "write during an ask",
    /// A copy turned a read away that named another epoch.
    ReadFenced = "read fenced",
    /// A copy turned an update away that named another epoch.
    UpdateFenced = "update fenced",
    /// The gateway sent an update again.
    UpdateResent = "update sent again",
    /// Home answered an update that it had carried out before.
    DuplicateSuppressed = "duplicate suppressed",
    /// A node started again without entries that it had written: the power took them.
    UnsyncedLost = "unsynced entries lost",
    /// A node started again with entries that had not been synced.
    UnsyncedFound = "unsynced entries found",
    /// A node started with a log whose beginning was trimmed.
    LogTrimmed = "log trimmed",
    /// The gateway died while it was saving a view.
    GatewayDiedSaving = "gateway died while saving",
    /// A gateway found the views of the one before.
    GatewayGoesOn = "gateway goes on from its file",
    /// A save of the cluster's state failed.
    SaveFailed = "save failed",
    /// A second gateway was turned away by the lock.
    SecondGatewayLocked = "second gateway locked out",
    /// A node ended because its disk was full.
    DiskFull = "disk full",
    /// A node ended because a write or a sync failed.
    DiskFailed = "disk failed",
    /// One sync made several entries durable.
    GroupCommit = "group commit",
    /// Home sent several entries in one append.
    AppendOfMany = "append of many",
    /// Next learned of a view from home before the gateway told it.
    ViewFromHome = "view learned from home",
    /// Home stored a view that it learned from next.
    ViewFromNext = "view learned from next",
    /// A read was answered by the replica while home was down.
    ReadWithoutHome = "read while home is down",
    /// A read was answered by the primary alone.
    ReadAtPrimary = "read at the primary",
    /// An update was answered by the primary alone.
    UpdateAlone = "update at the primary alone",
    /// An update was turned away with 503.
    UpdateUnavailable = "update unavailable",
    /// An update ended with 504.
    UpdateUnknown = "update of unknown outcome",
    /// A precondition was not met.
    PreconditionFailed = "precondition failed",
    /// A node was linked a second time before its first link was lost.
    LinkReplaced = "link replaced",
    /// A process died within a moment of its start.
    DiedInRecovery = "died in recovery",
    /// A node served on through the gateway's restart.
    NodeOutlivesGateway = "node outlives gateway",
}

/// Looks out for the probes of a run.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    sent: BTreeSet<RequestId>,
    applied: BTreeSet<(PartitionId, RequestId)>,
    since_sync: BTreeMap<usize, u64>,
    started: BTreeSet<Host>,
    /// What of each node's copies was durable when its storage was opened.
    durable_before: BTreeMap<usize, [Position; 2]>,
    nodes_joined: BTreeSet<NodeId>,
}

impl Probes {
    /// The probes that are reached by what was seen; `model` is what was known before it.
    pub(crate) fn reached(&mut self, model: &Model, seen: &Seen) -> Vec<Probe> {
        match seen {
            Seen::Inside(Event::Gateway { event, .. }) => self.by_gateway(model, event),
            Seen::Inside(Event::Node { node, event }) => self.by_node(model, node, event),
            Seen::Storage { node, did } => self.by_storage(model, *node, did),
            Seen::State { did, .. } => match did {
                StateDid::Locked => vec![Probe::SecondGatewayLocked],
                StateDid::Failed => vec![Probe::SaveFailed],
                StateDid::Saved(_) => Vec::new(),
            },
            Seen::Client { did: ClientDid::Completed(answered), .. } => by_client(model, answered),
            Seen::Client { .. } => Vec::new(),
            Seen::World(did) => self.by_world(model, did),
        }
    }

    fn by_gateway(&mut self, model: &Model, event: &GatewayEvent) -> Vec<Probe> {
        match event {
            GatewayEvent::Starts { views, .. } if !views.is_empty() => vec![Probe::GatewayGoesOn],
            GatewayEvent::Linked { node, .. } => {
                let place = model.ring.place_of(node);
                let is_linked = model.links.iter().any(|((gateway, _), linked)| {
                    Some(*gateway) == model.gateway && Some(linked.place) == place
                });
                is_linked.then_some(Probe::LinkReplaced).into_iter().collect()
            }
            GatewayEvent::Publishes(view) => {
                let before = model.published.get(&view.partition).map(|view| view.in_sync);
                match (before, view.in_sync) {
                    (Some(InSync::Both { .. }), InSync::HomeOnly { .. }) => {
                        vec![Probe::ViewShrinks]
                    }
                    (Some(InSync::HomeOnly { .. }), InSync::Both { .. }) => {
                        vec![Probe::ViewExpands]
                    }
                    _ => Vec::new(),
                }
            }
            GatewayEvent::Requests { request: Some(request), .. } => {
                let is_again = !self.sent.insert(*request);
                is_again.then_some(Probe::UpdateResent).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn by_node(&mut self, model: &Model, node: &NodeId, event: &NodeEvent) -> Vec<Probe> {
        let Some(place) = model.ring.place_of(node) else { return Vec::new() };
        let known = &model.nodes[place.index()];
        match event {
            NodeEvent::Starts { home, next, .. } => {
                let mut reached = Vec::new();
                let durable = self.durable_before.remove(&place.index()).unwrap_or_default();
                for (before, found, durable) in
                    [(&known.home, home, durable[0]), (&known.next, next, durable[1])]
                {
                    if found.written < before.entry.handed {
                        reached.push(Probe::UnsyncedLost);
                    }
                    if found.written > durable {
                        reached.push(Probe::UnsyncedFound);
                    }
                    if found.log_from.0 > 1 {
                        reached.push(Probe::LogTrimmed);
                    }
                }
                self.nodes_joined.remove(node);
                reached
            }
            NodeEvent::Joins { .. } => {
                let mut reached = Vec::new();
                if known.home.ask.is_some() {
                    reached.push(Probe::AskInterrupted);
                }
                if !self.nodes_joined.insert(node.clone()) && known.joined != model.gateway {
                    reached.push(Probe::NodeOutlivesGateway);
                }
                reached
            }
            NodeEvent::AskRefused { .. } => vec![Probe::AskRefused],
            NodeEvent::Applies { partition, member, request, .. } => {
                let is_home = *member == Member::Home;
                if is_home {
                    self.applied.insert((*partition, *request));
                }
                let in_ask = is_home && known.home.ask.is_some();
                in_ask.then_some(Probe::WriteDuringAsk).into_iter().collect()
            }
            NodeEvent::Stores { from, .. } => match from {
                Peer::Gateway => Vec::new(),
                Peer::Home => vec![Probe::ViewFromHome],
                Peer::Next => vec![Probe::ViewFromNext],
            },
            NodeEvent::Appends { previous, last, .. } => {
                let is_of_many = last.seq.0 > previous.seq.0 + 1;
                is_of_many.then_some(Probe::AppendOfMany).into_iter().collect()
            }
            NodeEvent::Replies { call, reply, .. } => {
                let Some(called) = model.call(node, *call) else { return Vec::new() };
                let probe = match (reply, called.request) {
                    (ReplyKind::Fenced, None) => Some(Probe::ReadFenced),
                    (ReplyKind::Fenced, Some(_)) => Some(Probe::UpdateFenced),
                    // Links keep their order, so no update comes behind one that settles it.
                    (ReplyKind::Settled, _) => None,
                    (ReplyKind::Done, Some(request)) => {
                        // Sent more than once under other calls, and carried out.
                        let sends =
                            model.calls.values().filter(|other| other.request == Some(request));
                        let is_again = sends.count() > 1
                            && self.applied.contains(&(called.partition, request));
                        is_again.then_some(Probe::DuplicateSuppressed)
                    }
                    (ReplyKind::Done, None) => None,
                };
                probe.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn by_storage(&mut self, model: &Model, node: usize, did: &StorageDid) -> Vec<Probe> {
        let since_sync = self.since_sync.entry(node).or_default();
        match did {
            StorageDid::Written => {
                *since_sync += 1;
                Vec::new()
            }
            StorageDid::Synced => {
                let written = std::mem::take(since_sync);
                (written > 1).then_some(Probe::GroupCommit).into_iter().collect()
            }
            StorageDid::Failed(detail) if detail.contains("full") => vec![Probe::DiskFull],
            StorageDid::Failed(_) => vec![Probe::DiskFailed],
            StorageDid::Opened => {
                *since_sync = 0;
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
                Vec::new()
            }
            WorldDid::Kills(host, _) | WorldDid::Ended(host, Ended::Storage(_)) => {
                let mut reached = Vec::new();
                match host {
                    Host::Gateway if !model.deciding.is_empty() => {
                        reached.push(Probe::GatewayDiedSaving);
                    }
                    Host::Node(place) => {
                        let node = &model.nodes[*place];
                        if node.home.ask.is_some() {
                            reached.push(Probe::AskInterrupted);
                        }
                        if self.started.contains(host) && node.joined.is_none() {
                            reached.push(Probe::DiedInRecovery);
                        }
                    }
                    _ => {}
                }
                self.started.remove(host);
                reached
            }
            _ => Vec::new(),
        }
    }
}

fn by_client(model: &Model, answered: &Answered) -> Vec<Probe> {
    let Answered { input, outcome, status, served_by, .. } = answered;
    let is_read = matches!(input, Input::Read { .. });
    let mut reached = Vec::new();
    match (outcome, status) {
        (Outcome::NotDone, Some(503)) if !is_read => reached.push(Probe::UpdateUnavailable),
        (Outcome::Unknown, Some(504)) => reached.push(Probe::UpdateUnknown),
        (Outcome::Done(_), Some(412)) => reached.push(Probe::PreconditionFailed),
        _ => {}
    }
    let (Outcome::Done(_), Some(by), Ok(id)) = (outcome, served_by, input.id().parse()) else {
        return reached;
    };
    let partition = model.ring.partition_of(&id);
    let view = model.views.get(&(partition, by.epoch));
    let is_alone = view.is_some_and(|view| matches!(view.in_sync, InSync::HomeOnly { .. }));
    match (is_read, by.member) {
        (true, Member::Home) => reached.push(Probe::ReadAtPrimary),
        (true, Member::Next) => {
            let home = model.ring.holder(partition, Member::Home);
            if model.gateway.is_some_and(|gateway| !model.is_linked(gateway, home)) {
                reached.push(Probe::ReadWithoutHome);
            }
        }
        (false, _) if is_alone => reached.push(Probe::UpdateAlone),
        (false, _) => {}
    }
    reached
}
