//! Typed events that show the inside of a process: for checks, for tests, and for finding faults.
//!
//! Events go the same way as every other line of the log, with the target [`TARGET`] at level
//! DEBUG: `RUST_LOG=info,chainring::events=debug` shows them as JSON. A listener in the same
//! process gets them as values ([`read`]). The simulation uses them to check the rules of the
//! design. They hold positions, views and ids of requests, and nothing of a user's record.

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

/// The field with an event.
const FIELD: &str = "event";

/// An event inside a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "process")]
pub enum Event {
    /// An event of a node.
    Node {
        /// The node.
        node: NodeId,
        /// The event.
        #[serde(flatten)]
        event: NodeFact,
    },
    /// An event of a gateway.
    Gateway {
        /// The boot of the gateway.
        gateway: GatewayBoot,
        /// The event.
        #[serde(flatten)]
        event: GatewayFact,
    },
}

/// An event inside a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum NodeFact {
    /// The node starts. The state it found is durable.
    Starts {
        /// The incarnation of the node's data.
        incarnation: Incarnation,
        /// The boot that begins.
        boot: Boot,
        /// The state of its home copy.
        home: FoundCopy,
        /// The state of its next copy.
        next: FoundCopy,
    },
    /// A gateway welcomes the node. Later requests are of that gateway.
    Joins {
        /// The boot of the gateway.
        gateway: GatewayBoot,
    },
    /// The link to the gateway is gone.
    Leaves,
    /// The node tells the gateway whether its disk answers.
    TellsDisk {
        /// The state of the disk.
        state: DiskState,
    },
    /// A copy acts on this view from now on.
    Acts {
        /// The copy.
        member: Member,
        /// The view.
        view: View,
    },
    /// The positions of a copy, or its condition, have changed.
    Comes(Progress),
    /// The core hands an entry to the storage.
    Applies {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// The position of the entry.
        position: Position,
        /// The request carried out by the entry.
        request: RequestId,
    },
    /// The core hands a view to the storage. The copy acts on it once it is durable.
    Stores {
        /// The copy.
        member: Member,
        /// The view.
        view: View,
        /// The peer that sent the view to the node.
        from: Peer,
    },
    /// The core hands the beginning of a snapshot to the storage. The snapshot replaces the
    /// content of a copy.
    BeginsInstall {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// The position of the last entry before the snapshot.
        base: Position,
    },
    /// The core hands the next part of a snapshot to the storage.
    Installs {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// Whether this part makes the copy whole.
        is_complete: bool,
    },
    /// A row of a copy differs from the row written.
    FindsDamage {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
    },
    /// A copy drops unreadable records, because an operator accepted the loss; or it has
    /// finished doing so.
    Salvages {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// The number of records dropped now.
        records: usize,
        /// Whether the copy has looked at all records. The copy is whole once this is durable.
        ended: bool,
    },
    /// A requested record is not in memory. It is read outside the core.
    ReadsApart {
        /// The copy.
        member: Member,
    },
    /// An entry changed a record during the read of it. The result of the read is not used.
    ReadOvertaken {
        /// The copy.
        member: Member,
    },
    /// A part of the comparison of both copies is left out, because its rows have changed
    /// meanwhile.
    SkipsComparison {
        /// The copy.
        member: Member,
    },
    /// The copies have been compared completely, or the first difference was found.
    Compares {
        /// The partition.
        partition: PartitionId,
        /// The verdict.
        verdict: Verdict,
    },
    /// A copy sends entries to the other one.
    Appends {
        /// The receiving copy.
        to: Member,
        /// The sender's view.
        view: View,
        /// The position before the first entry.
        previous: Position,
        /// The position of the last entry; `previous` if there is no entry.
        last: Position,
    },
    /// A copy tells the other one its last durable entry.
    Acknowledges {
        /// The partition.
        partition: PartitionId,
        /// The copy that sends this.
        member: Member,
        /// The last durable entry.
        seq: Seq,
        /// Whether the message says that the copy holds everything up to there.
        is_whole: bool,
    },
    /// A donor asks for the view *both*.
    Asks(Ask),
    /// The controller refuses an ask.
    AskRefused {
        /// The partition.
        partition: PartitionId,
        /// The number of the ask.
        ask: AskNumber,
    },
    /// A copy answers a request, or refuses it.
    Replies {
        /// The call of the request.
        call: CallId,
        /// The kind of the reply.
        reply: ReplyKind,
        /// The position of the record in the answer; none without a record.
        position: Option<Position>,
    },
}

/// A peer of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// The gateway.
    Gateway,
    /// The node before it: it has the home copy of the partition whose next copy is here.
    Home,
    /// The node after it: it has the next copy of the partition whose home copy is here.
    Next,
}

/// The state of a copy at the start of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FoundCopy {
    /// The newest stored view.
    pub view: Option<View>,
    /// The position of the last entry.
    pub written: Position,
    /// The first entry in the log; [`Seq::ZERO`] if the log has none.
    pub log_from: Seq,
    /// The condition of the copy's data.
    pub condition: Condition,
}

/// The kind of a copy's reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyKind {
    /// The copy answers.
    Done,
    /// The copy did not use this send, for example because it acts on another view.
    Fenced,
    /// The id of the update is settled.
    Settled,
}

/// An event inside a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum GatewayFact {
    /// The gateway starts.
    Starts {
        /// The cluster found by the gateway, if any.
        cluster: Option<ClusterId>,
        /// The views found by the gateway. They are durable.
        views: Vec<View>,
    },
    /// A node is linked.
    Linked {
        /// The number of the link in the gateway.
        link: u64,
        /// The node.
        node: NodeId,
        /// The incarnation of the node's data.
        incarnation: Incarnation,
        /// The boot of the node.
        boot: Boot,
    },
    /// The link of a node is lost, or the gateway gives it up.
    Unlinked {
        /// The number of the link in the gateway.
        link: u64,
        /// The node.
        node: NodeId,
    },
    /// The controller has decided a view, and is making it durable.
    Decides(View),
    /// A view is durable at the controller, and may be sent.
    Publishes(View),
    /// The controller drops its view of a partition, because a node knows a newer one.
    Forgets {
        /// The partition.
        partition: PartitionId,
    },
    /// The gateway sends a view to a node.
    Tells {
        /// The node.
        node: NodeId,
        /// The view.
        view: View,
    },
    /// The gateway welcomes a node.
    Welcomes {
        /// The node.
        node: NodeId,
        /// The views in the welcome.
        views: Vec<View>,
    },
    /// The gateway sends a client's request to a copy.
    Requests {
        /// The node of the copy.
        node: NodeId,
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// The epoch of the view.
        epoch: Epoch,
        /// Pairs the reply with the request.
        call: CallId,
        /// The id of an update; none for a read.
        request: Option<RequestId>,
        /// Whether the request is alone in its frame.
        is_alone: bool,
    },
    /// The gateway probes a node: it must show that it is alive now.
    Probes {
        /// The node.
        node: NodeId,
        /// The number of the probe.
        probe: ProbeNumber,
    },
    /// A node has sent a message on which views or requests depend.
    Hears {
        /// The node.
        node: NodeId,
        /// The content of the message.
        said: Said,
    },
}

/// A message of a node to a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// The condition of its copies. This comes first on its link.
    Report {
        /// The home copy.
        home: Condition,
        /// The next copy.
        next: Condition,
    },
    /// The new condition of a copy.
    Condition {
        /// The partition of the copy.
        partition: PartitionId,
        /// The condition of the copy.
        condition: Condition,
    },
    /// Whether the node's disk answers.
    Disk(DiskState),
    /// The home copy of the node cannot reach the next copy.
    NextUnreachable(PartitionId),
    /// The last durable entry of a whole copy.
    Durable {
        /// The copy.
        member: Member,
        /// The last durable entry.
        seq: Seq,
    },
    /// The node ends.
    Goodbye,
    /// The answer to a probe.
    Alive(ProbeNumber),
    /// The reply to a call.
    Reply(CallId),
    /// The node cannot decode a frame. It has read every call up to this one.
    Undecodable(Option<CallId>),
}

/// Whether anyone listens.
pub fn is_listened_to() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

/// Emits an event if anyone listens. Only then it calls `event`.
pub fn emit(event: impl FnOnce() -> Event) {
    if is_listened_to() {
        let told = Told(event());
        // An event is passed as an error, because that is the only kind of field value with a
        // way back to its own type.
        let told: &(dyn Error + 'static) = &told;
        tracing::debug!(target: TARGET, event = told);
    }
}

/// The event inside one of tracing's; none if it is not one of these events.
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
            event: NodeFact::Replies {
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
        let hears = said.map(|said| GatewayFact::Hears { node: node.clone(), said });
        let forgets = GatewayFact::Forgets { partition: PartitionId(1) };
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
