//! What can be seen of the inside of a process: typed events, for checks, tests and those who look for a fault.
//!
//! They go where every other line of the log goes, under the target [`TARGET`] at level DEBUG:
//! `RUST_LOG=info,chainring::events=debug` shows them as JSON. Who listens in the same process gets them as they are
//! ([`read`]); the simulation judges the rules of the design by them. They hold positions, views and ids of requests, and
//! nothing of a user's record.

use std::error::Error;
use std::fmt;

use protocol::id::{
    Boot, ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId, Seq,
};
use protocol::message::{
    Ask, AskNumber, CallId, Condition, DiskState, ProbeNumber, Progress, Verdict,
};
use protocol::view::{Member, View};
use serde::Serialize;
use tracing::field::{Field, Visit};

/// The target of the events.
pub const TARGET: &str = "chainring::events";

/// The field that holds an event.
const FIELD: &str = "event";

/// What happens inside of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "process")]
pub enum Event {
    /// Of a node.
    Node {
        /// Which.
        node: NodeId,
        /// What happens.
        #[serde(flatten)]
        event: NodeEvent,
    },
    /// Of a gateway.
    Gateway {
        /// Which start of it.
        gateway: GatewayBoot,
        /// What happens.
        #[serde(flatten)]
        event: GatewayEvent,
    },
}

/// What happens inside of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum NodeEvent {
    /// The node starts; what it found is durable.
    Starts {
        /// Its data.
        incarnation: Incarnation,
        /// This start.
        boot: Boot,
        /// What it found of its home copy.
        home: FoundCopy,
        /// What it found of its next copy.
        next: FoundCopy,
    },
    /// A gateway lets it in: requests from now on are of that gateway.
    Joins {
        /// Which start of the gateway.
        gateway: GatewayBoot,
    },
    /// The link to the gateway is gone.
    Leaves,
    /// The node tells the gateway whether its disk answers.
    TellsDisk {
        /// Whether it does.
        state: DiskState,
    },
    /// A copy acts on a view from now on.
    Acts {
        /// Which copy.
        member: Member,
        /// The view.
        view: View,
    },
    /// A copy has come further.
    Comes(Progress),
    /// An entry is handed to the storage.
    Applies {
        /// Of which partition.
        partition: PartitionId,
        /// To which copy.
        member: Member,
        /// The entry.
        position: Position,
        /// The request that it carries out.
        request: RequestId,
    },
    /// A view is handed to the storage; it is acted on once it is durable.
    Stores {
        /// Which copy.
        member: Member,
        /// The view.
        view: View,
        /// From whom the node learned of it.
        from: Peer,
    },
    /// A snapshot begins to take the place of what a copy holds: that is handed to the storage.
    BeginsInstall {
        /// Of which partition.
        partition: PartitionId,
        /// Which copy.
        member: Member,
        /// The entry that the snapshot is taken after.
        base: Position,
    },
    /// More of a snapshot is handed to the storage.
    Installs {
        /// Of which partition.
        partition: PartitionId,
        /// To which copy.
        member: Member,
        /// Whether the copy is whole with it.
        is_complete: bool,
    },
    /// A row of a copy is not what was written.
    FindsDamage {
        /// Of which partition.
        partition: PartitionId,
        /// In which copy.
        member: Member,
    },
    /// A copy drops records that cannot be read, as an operator accepted; or it has done so with all of them.
    Salvages {
        /// Of which partition.
        partition: PartitionId,
        /// In which copy.
        member: Member,
        /// How many records it drops now.
        records: usize,
        /// Whether all were looked at. The copy is whole once that is durable.
        ended: bool,
    },
    /// A record that is wanted is not in memory: it is read apart from the core.
    ReadsApart {
        /// Of which copy.
        member: Member,
    },
    /// An entry has changed a record while it was read: what was read is not used.
    ReadOvertaken {
        /// Of which copy.
        member: Member,
    },
    /// A part of the comparison of both copies is left out, as the rows have changed meanwhile.
    SkipsComparison {
        /// In which copy.
        member: Member,
    },
    /// All rows of both copies were compared, or the first difference was found.
    Compares {
        /// Of which partition.
        partition: PartitionId,
        /// What came of it.
        verdict: Verdict,
    },
    /// A copy sends entries to the other one.
    Appends {
        /// To which.
        to: Member,
        /// The sender's view.
        view: View,
        /// The position before the first entry.
        previous: Position,
        /// The last entry; `previous` where there is none.
        last: Position,
    },
    /// A copy tells the other one up to which entry it is durable.
    Acknowledges {
        /// Of which partition.
        partition: PartitionId,
        /// Which copy.
        member: Member,
        /// The last entry.
        seq: Seq,
        /// Whether it says that it has all up to there.
        is_whole: bool,
    },
    /// A donor asks for the view *both*.
    Asks(Ask),
    /// The controller refuses an ask.
    AskRefused {
        /// Of which partition.
        partition: PartitionId,
        /// Which.
        ask: AskNumber,
    },
    /// A copy answers, or turns a request away.
    Replies {
        /// To which call.
        call: CallId,
        /// How.
        reply: ReplyKind,
        /// The position of the record that the answer shows, if it shows one.
        position: Option<Position>,
    },
}

/// Who a node speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// The gateway.
    Gateway,
    /// The node of the home copy whose next copy it has.
    Home,
    /// The node of the next copy whose home copy it has.
    Next,
}

/// What a node found of a copy when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FoundCopy {
    /// The newest view that was stored.
    pub view: Option<View>,
    /// The last entry.
    pub written: Position,
    /// The first entry that the log still has; [`Seq::ZERO`] where it has none.
    pub log_from: Seq,
    /// What it is worth.
    pub condition: Condition,
}

/// How a copy replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyKind {
    /// With an answer.
    Done,
    /// It serves another view.
    Fenced,
    /// The id of the update is settled.
    Settled,
}

/// What happens inside of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum GatewayEvent {
    /// The gateway starts.
    Starts {
        /// The cluster, if it found one.
        cluster: Option<ClusterId>,
        /// The views it found; durable.
        views: Vec<View>,
    },
    /// A node is linked.
    Linked {
        /// The link's name in the gateway.
        link: u64,
        /// Which.
        node: NodeId,
        /// Its data.
        incarnation: Incarnation,
        /// Its start.
        boot: Boot,
    },
    /// A node's link is gone, or given up.
    Unlinked {
        /// The link's name in the gateway.
        link: u64,
        /// Whose it was.
        node: NodeId,
    },
    /// The controller has decided a view; it is being made durable.
    Decides(View),
    /// A view is durable at the controller, and may be known.
    Publishes(View),
    /// The view of a partition is not known any more: a node knows of a newer one.
    Forgets {
        /// The partition.
        partition: PartitionId,
    },
    /// A node is told a view.
    Tells {
        /// Which.
        node: NodeId,
        /// What.
        view: View,
    },
    /// A node is welcomed.
    Welcomes {
        /// Which.
        node: NodeId,
        /// The views it is told.
        views: Vec<View>,
    },
    /// A client's request goes to a copy.
    Requests {
        /// On which node.
        node: NodeId,
        /// Of which partition.
        partition: PartitionId,
        /// Which copy.
        member: Member,
        /// Under which view.
        epoch: Epoch,
        /// Pairs the reply with it.
        call: CallId,
        /// The id of an update; none of a read.
        request: Option<RequestId>,
        /// Whether its frame holds nothing else.
        is_alone: bool,
    },
    /// A node has to show that it is alive now.
    Probes {
        /// The node.
        node: NodeId,
        /// The number of the probe.
        probe: ProbeNumber,
    },
    /// A node has said something that views or requests depend on.
    Hears {
        /// The node.
        node: NodeId,
        /// What it said.
        said: Said,
    },
}

/// What a node has said to a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// What its copies are worth, first on its link.
    Report {
        /// The home copy.
        home: Condition,
        /// The next copy.
        next: Condition,
    },
    /// What a copy is worth from now on.
    Condition {
        /// The partition of the copy.
        partition: PartitionId,
        /// What the copy is worth.
        condition: Condition,
    },
    /// Whether its disk answers.
    Disk(DiskState),
    /// Its home copy cannot reach the next copy.
    NextUnreachable(PartitionId),
    /// How far a copy is that is whole.
    Durable {
        /// The copy.
        member: Member,
        /// The last entry that is durable.
        seq: Seq,
    },
    /// It ends.
    Goodbye,
    /// The answer to a probe.
    Alive(ProbeNumber),
    /// The reply to a call.
    Reply(CallId),
    /// It cannot decode a frame; it has read every call up to this one.
    Undecodable(Option<CallId>),
}

/// Whether anyone listens.
pub fn is_listened_to() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

/// Tells of an event, if anyone listens; `event` is called only then.
pub fn emit(event: impl FnOnce() -> Event) {
    if is_listened_to() {
        let told = Told(event());
        // Of the values that a field may have, an error is the one that can be taken out as what it was.
        let told: &(dyn Error + 'static) = &told;
        tracing::debug!(target: TARGET, event = told);
    }
}

/// Takes an event out of one of tracing; none where it is none of ours.
pub fn read(event: &tracing::Event<'_>) -> Option<Event> {
    if event.metadata().target() != TARGET {
        return None;
    }
    let mut reader = Reader(None);
    event.record(&mut reader);
    reader.0
}

/// An event on its way through tracing.
#[derive(Debug)]
struct Told(Event);

impl Error for Told {}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

struct Reader(Option<Event>);

impl Visit for Reader {
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if field.name() == FIELD {
            self.0 = value.downcast_ref::<Told>().map(|told| told.0.clone());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::{Context, SubscriberExt};
    use tracing_subscriber::{Layer, Registry};

    use super::*;

    struct Listener(Arc<Mutex<Vec<Event>>>);

    impl<S: tracing::Subscriber> Layer<S> for Listener {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().extend(read(event));
        }
    }

    fn an_event() -> Event {
        Event::Node {
            node: "db-1".parse().unwrap(),
            event: NodeEvent::Replies {
                call: CallId(7),
                reply: ReplyKind::Done,
                position: Some(Position { epoch: Epoch(3), seq: Seq(9) }),
            },
        }
    }

    #[test]
    fn a_listener_gets_what_was_emitted() {
        let heard = Arc::default();
        let subscriber = Registry::default().with(Listener(Arc::clone(&heard)));
        tracing::subscriber::with_default(subscriber, || {
            emit(an_event);
            tracing::debug!(target: "elsewhere", event = "{}");
        });
        assert_eq!(*heard.lock().unwrap(), [an_event()]);
    }

    #[test]
    fn the_log_shows_an_event_as_json() {
        let shown: serde_json::Value = serde_json::from_str(&Told(an_event()).to_string()).unwrap();
        assert_eq!(shown["node"], "db-1");
        assert_eq!(shown["event"], "replies");
        assert_eq!(shown["reply"], "done");
    }

    #[test]
    fn whatever_a_gateway_hears_is_shown_as_json() {
        let node: NodeId = "db-1".parse().unwrap();
        let whole = Condition::Whole;
        let said = [
            Said::Report { home: whole, next: whole },
            Said::Condition { partition: PartitionId(1), condition: whole },
            Said::Disk(DiskState::Silent),
            Said::Durable { member: Member::Home, seq: Seq(4) },
            Said::NextUnreachable(PartitionId(1)),
            Said::Goodbye,
            Said::Alive(ProbeNumber(2)),
            Said::Reply(CallId(3)),
            Said::Undecodable(None),
        ];
        let hears = said.map(|said| GatewayEvent::Hears { node: node.clone(), said });
        let forgets = GatewayEvent::Forgets { partition: PartitionId(1) };
        for event in hears.into_iter().chain([forgets]) {
            let told = Told(Event::Gateway { gateway: GatewayBoot(uuid::Uuid::nil()), event });
            let shown: serde_json::Value = serde_json::from_str(&told.to_string()).unwrap();
            assert!(shown["event"].is_string(), "{shown}");
        }
    }

    #[test]
    fn nothing_is_made_up_where_nobody_listens() {
        emit(|| unreachable!("nobody listens"));
    }
}
