//! Sometimes-probes: named marks of situations that are rare and worth reaching. A sweep that never reaches one of them
//! proves less than it seems to, so it fails.

mod client;
mod gateway;
mod node;

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{GatewayBoot, NodeId, PartitionId, Position, RequestId, Seq};
use protocol::message::CallId;
use protocol::view::Member;
use service::events::Event;

use crate::model::Model;
use crate::plan::host::Host;
use crate::seen::{ClientDid, Ended, Phase, Seen, StateDid, StorageDid, WorldDid};

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
    /// Next counts again, as home lost its data before it went on alone.
    NextReinstated = "next reinstated",
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
    /// An update was turned away as its node had enough to do.
    UpdateTurnedAway = "update turned away from a busy node",
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
    /// A read waited until the entry that it shows was committed.
    ReadWaits = "read waits for a commit",
    /// A copy was sent entries again that it had been sent before.
    EntriesSentAgain = "entries sent again",
    /// A view shrank though next was linked: home could not reach it.
    NeighboursCut = "neighbours cut off from each other",
    /// The gateway lost the link of a node whose process went on.
    CutFromGateway = "node cut off from the gateway",
    /// Only a copy that was out of sync was there, and a read was turned away.
    StaleAlone = "only a stale copy is there",
    /// A client found no gateway.
    GatewayGone = "no gateway there",
    /// A client gave up, and does not know what became of its update.
    ClientGaveUp = "client gave up",
    /// Home lost its data, or was damaged, and was dropped.
    HomeDropped = "home dropped",
    /// A home that had been dropped was restored.
    HomeRestored = "home restored",
    /// A read was answered by next, which was in sync alone.
    ReadAtNextAlone = "read at next alone",
    /// A snapshot began.
    SnapshotBegins = "snapshot begins",
    /// A snapshot came to its end.
    SnapshotCompletes = "snapshot completes",
    /// A copy that died in the middle of a snapshot went on with it.
    SnapshotResumed = "snapshot resumed",
    /// An entry was applied in the middle of a snapshot.
    UpdateDuringSnapshot = "update during a snapshot",
    /// A view that was lost with the controller's file was rebuilt.
    ViewRebuilt = "view rebuilt",
    /// A controller heard of a view newer than its own.
    ViewForgotten = "view forgotten",
    /// A copy turned out to be damaged.
    DamageFound = "damage found",
    /// A node found at its start that a copy cannot say how far it is.
    Unreadable = "copy unreadable at the start",
    /// A damaged copy was replaced by a snapshot.
    DamageRepaired = "damage repaired",
    /// A record that was wanted was not at hand.
    ColdRead = "cold read",
    /// An entry changed a record while that was read.
    ReadOvertaken = "read overtaken",
    /// A read failed, and its node ended.
    ReadFailed = "read failed",
    /// Entries changed the rows of a stretch while they were read to be compared.
    ComparisonSkipped = "comparison skipped",
    /// A node with a slow disk came back into a view while clients asked for updates.
    SlowJoinerBack = "slow joiner came back under load",
    /// All of both copies was compared.
    CopiesCompared = "copies compared",
    /// A node answered a probe.
    ProbeAnswered = "probe answered",
    /// A node was probed, and its link was lost before it answered.
    ProbeUnanswered = "probe never answered",
    /// The gateway lost its last link.
    AllLinksLost = "all links lost",
    /// A node told the gateway that its disk does not answer.
    DiskSilent = "disk silent",
    /// A disk answered again, of a node that had stayed linked.
    DiskAnswers = "disk answers again",
    /// A node ended because its disk did not answer.
    DiskDeadline = "disk given up",
    /// A node could not decode a frame.
    FrameUndecodable = "frame not decoded",
    /// A request that was in such a frame, or behind it, was sent again alone.
    SentAlone = "request sent alone",
    /// A node could not decode a frame that held one request.
    CulpritFound = "request not decoded alone",
    /// A node was welcomed without a view that names data which it has lost.
    WelcomedWithoutView = "welcomed without a view of lost data",
    /// A snapshot took the place of a copy that had more entries durable.
    RestoredToLess = "snapshot of less than there was",
}

/// What a node says that ends because its disk does not answer.
const SILENT: &str = "has not answered";

/// Looks out for the probes of a run.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    sent: BTreeSet<RequestId>,
    applied: BTreeSet<(PartitionId, RequestId)>,
    started: BTreeSet<Host>,
    /// What of each node's copies was durable when its storage was opened.
    durable_before: BTreeMap<usize, [Position; 2]>,
    nodes_joined: BTreeSet<NodeId>,
    /// How far a replica had committed when a read was sent to it.
    committed_at_read: BTreeMap<(GatewayBoot, CallId), Seq>,
    /// The last entry that was sent, by whom and to which copy.
    appended: BTreeMap<(NodeId, Member), Position>,
    /// The processes that are at work.
    up: BTreeSet<Host>,
    /// Clients ask for updates while a node with a slow disk comes back.
    is_under_load: bool,
    /// The copies that were in the middle of a snapshot when their node started.
    interrupted: BTreeSet<(NodeId, Member)>,
    /// The nodes that have not answered the last probe.
    probed: BTreeSet<NodeId>,
    /// What was sent over each node's link, and whether it was alone in its frame.
    calls: BTreeMap<NodeId, BTreeMap<CallId, bool>>,
}

impl Probes {
    /// The probes that are reached by what was seen; `model` is what was known before it.
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
            StorageDid::Written => Vec::new(),
            StorageDid::Synced => {
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
