//! The messages of the links, in both directions.
//!
//! ```text
//!            ToNode                     CopyMessage
//!  gateway ----------> node      home's node <---------> next's node
//!          <----------
//!           FromNode
//! ```
//!
//! Between copies both ends use the same messages. The view, not the ring, determines the sender
//! and the receiver of entries ([`InSync::source`](crate::view::InSync::source)).
//!
//! A link keeps the order of its messages, so a view can travel *ahead of* the requests that
//! need it. Adding, removing or reordering variants or fields changes the bytes: raise
//! [`Versions::SPOKEN`](crate::version::Versions::SPOKEN).

use serde::{Deserialize, Serialize};

use crate::entry::{Answer, Entry};
use crate::id::{
    ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId, Seq,
};
use crate::precondition::Precondition;
use crate::refusal::Refusal;
use crate::salvage::Salvage;
use crate::user::{RecordJson, User, UserId, UserPatch};
use crate::view::{Member, View};

/// A message from the gateway to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToNode {
    /// The first message on every link: the cluster, the ring, and the views the node needs.
    Welcome(Welcome),
    /// A new view of a partition with a copy on this node.
    View(View),
    /// The node after this one is linked to the gateway. It serves its predecessor at this address.
    NextIsLinked(Neighbour),
    /// The node before this one is linked to the gateway.
    HomeIsLinked,
    /// The other copy of a partition is whole now. If the gateway refused an ask for it, another
    /// ask is worthwhile.
    JoinerIsWhole {
        /// The partition.
        partition: PartitionId,
    },
    /// The gateway refuses the ask of this number. Later news of the joiner (its node is linked,
    /// or its copy is whole) tells the donor when another ask is worthwhile.
    AskRefused {
        /// The partition of the ask.
        partition: PartitionId,
        /// The number of the ask.
        ask: AskNumber,
    },
    /// A read or an update.
    Request(Request),
    /// The node must answer at once. The answer shows the gateway that the node is alive now.
    Probe(ProbeNumber),
    /// The link ends now, for this reason.
    Goodbye(Refusal),
}

/// A message from a node to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromNode {
    /// The first message on every link: the state of the node's copies. The gateway judges it,
    /// and then sends the welcome.
    Report(Report),
    /// The reply to the request of this call.
    Reply {
        /// The call id of the request.
        call: CallId,
        /// The outcome.
        reply: Reply,
    },
    /// The joiner is level: the donor asks for the view *both*.
    Ask(Ask),
    /// Home serves alone from now on. Home sends this ahead of every reply under that view. So
    /// until the gateway hears it, nobody has been told of anything that next lacks.
    ServesAlone {
        /// The partition.
        partition: PartitionId,
        /// The epoch of the view.
        epoch: Epoch,
    },
    /// Home cannot reach next, though it tries. This holds until
    /// [`NextReachable`](Self::NextReachable) or the end of the link.
    NextUnreachable {
        /// The partition with its home on this node.
        partition: PartitionId,
        /// The epoch of home's view.
        epoch: Epoch,
    },
    /// Home can reach next again.
    NextReachable {
        /// The partition with its home on this node.
        partition: PartitionId,
    },
    /// The condition of a copy on this node from now on. The node sends it again under each
    /// view, so the controller ignores one of an older epoch than its own.
    Condition {
        /// The partition.
        partition: PartitionId,
        /// The epoch of the view that the copy acts on.
        epoch: Epoch,
        /// The copy's condition.
        condition: Condition,
    },
    /// The verdict on both copies: sent at the first difference, and at the end of each full
    /// comparison.
    Compared {
        /// The partition.
        partition: PartitionId,
        /// The verdict.
        verdict: Verdict,
    },
    /// The state of a copy's salvage. The node sends it again on each link while the copy acts
    /// on a view that remembers the accepted loss.
    Salvage {
        /// The partition.
        partition: PartitionId,
        /// The state of the salvage.
        salvage: Salvage,
    },
    /// The answer to a probe.
    Alive(ProbeNumber),
    /// Whether the node's disk answers. The node sends this at each change. The gateway assumes
    /// a disk that answers when a node links.
    Disk(DiskState),
    /// The node cannot decode a frame of the gateway, and ends the link. It did read everything
    /// before that frame.
    Undecodable {
        /// The last request the node read, if there was one.
        understood: Option<CallId>,
    },
    /// The node ends, so the controller counts it as lost at once. The reason is for people
    /// looking at the cluster.
    Goodbye(String),
    /// The positions of a copy. The gateway shows them to people looking at the cluster. It also
    /// uses them to notice lost data: a copy in sync must not report less than it, or the other
    /// copy, once showed (rule 9).
    Progress(Progress),
}

/// A message between the two copies of a partition, over the link of their nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyMessage {
    /// The first message on every link, from both ends. The receiving copy sends it again when
    /// it acts on another view, and after it fenced data.
    Greeting(Greeting),
    /// Data from the source.
    Data {
        /// The session begun by the receiver's greeting. The receiver does not use data of
        /// another session.
        session: u64,
        /// The source's view.
        view: View,
        /// The data itself.
        data: Data,
    },
    /// To the source: this much is durable at the receiver.
    Durable {
        /// The session of the acknowledged data.
        session: u64,
        /// The last durable entry. All entries before it are durable too.
        seq: Seq,
        /// The number of the session's durable data messages.
        data: u64,
        /// The last entry written. If more entries are durable than before, the sync that begins
        /// now covers it.
        written: Seq,
    },
    /// To the source: the receiver has compared, or skipped, the last stretch.
    Compared {
        /// The session of that stretch.
        session: u64,
    },
    /// The link ends now, for this reason.
    Goodbye(Refusal),
}

/// The state of a copy, sent to the other copy so that it sends the missing entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The number of this session. The copy counts its sessions over all links.
    pub session: u64,
    /// The newest view the copy acts on. The copy fences data of an older view.
    pub view: Option<View>,
    /// The durable part of the copy's state.
    pub holds: Holds,
}

/// The state from which a copy can continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// Everything up to this entry.
    Whole(Position),
    /// The rows of a snapshot up to the cursor, as of this entry.
    Part(Position, Cursor),
    /// Nothing reliable: a snapshot has to replace the copy.
    Nothing,
}

/// Data of a source. Its order counts: entries follow each other, and rows show the state right
/// after the last entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Data {
    /// Consecutive entries, all durable at the source.
    Append {
        /// The position before the first of them.
        previous: Position,
        /// The entries, at least one.
        entries: Vec<Entry>,
    },
    /// A snapshot begins. The receiver must drop all that it has.
    Install {
        /// The last entry before the snapshot; none if there is no entry yet.
        base: Option<Entry>,
    },
    /// The next part of a snapshot.
    Chunk {
        /// The rows that follow the rows sent before.
        rows: Rows,
        /// The cursor after these rows; none if the snapshot is complete.
        then: Option<Cursor>,
    },
    /// No new data: both copies must have the same rows here. The source sends the next stretch
    /// after the receiver has compared this one.
    Compare(Stretch),
}

/// A stretch of a copy's rows. The receiver compares it with its own rows at the same entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The cursor before the first row.
    pub after: Cursor,
    /// The cursor of the last row; none if the stretch goes on to the end.
    pub to: Option<Cursor>,
    /// The number of rows.
    pub rows: u64,
    /// A digest of the rows, in order.
    pub digest: u128,
}

/// The result of comparing the two copies of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The copies are the same.
    Same,
    /// The copies differ though neither is damaged. Nobody can tell the right one.
    Different,
}

/// The condition of a copy's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// All of it is there, as far as anyone knows.
    #[default]
    Whole,
    /// A row differs from the row written. While a view counts on the copy, the copy serves
    /// everything that does not depend on that row. Then a snapshot replaces the copy.
    Damaged,
    /// Parts are missing: a snapshot is not complete. The copy serves nothing.
    Partial,
    /// The end of the log or the table of applied ids cannot be read, so the copy does not know
    /// its own position. It serves nothing.
    Unreadable,
}

impl Condition {
    /// Whether a copy in sync can serve anything in this condition.
    pub fn serves(self) -> bool {
        self.worth() > 0
    }

    /// Whether a view prefers a copy of this condition to one of the other condition.
    pub fn is_better_than(self, other: Self) -> bool {
        self.worth() > other.worth()
    }

    fn worth(self) -> u8 {
        match self {
            Self::Whole => 2,
            Self::Damaged => 1,
            Self::Partial | Self::Unreadable => 0,
        }
    }
}

/// Rows of a copy, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// Rows of the table of applied ids.
    Applied(Vec<AppliedRow>),
    /// Records.
    Records(Vec<RecordRow>),
}

/// A row of the table of applied ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRow {
    /// The request.
    pub request: RequestId,
    /// The seq of the entry that carried it out.
    pub seq: Seq,
    /// The answer to it.
    pub answer: Answer,
}

/// A record with its user id and its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRow {
    /// The user.
    pub id: UserId,
    /// The position of the entry that wrote it last.
    pub position: Position,
    /// The record.
    pub record: RecordJson,
}

/// The progress of a snapshot. The table of applied ids comes first, then the records, each in
/// its own order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cursor {
    /// The applied ids up to this one are there; none if there is no id yet.
    Applied(Option<RequestId>),
    /// All applied ids are there, and the records up to this one; none if there is no record yet.
    Records(Option<UserId>),
}

impl Cursor {
    /// The start of a snapshot: nothing is there yet.
    pub const START: Self = Self::Applied(None);

    /// Whether the snapshot so far includes the record of a user.
    pub fn covers(&self, id: &UserId) -> bool {
        matches!(self, Self::Records(Some(last)) if id <= last)
    }
}

/// Pairs a reply with its request on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

/// Tells apart the asks of a node on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskNumber(pub u64);

/// Whether a node's disk answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskState {
    /// It answers, as far as is known.
    #[default]
    Answers,
    /// A sync has not returned for a second. For views this counts as a lost link.
    Silent,
}

/// Tells apart the probes of a gateway. A later probe has a higher number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ProbeNumber(pub u64);

/// Everything a node needs to take its place in the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The cluster.
    pub cluster: ClusterId,
    /// The nodes of the cluster, in the ring's order.
    pub ring: Vec<NodeId>,
    /// The gateway's boot. Nodes refuse request ids of another boot.
    pub gateway_boot: GatewayBoot,
    /// The views of the two partitions with a copy on this node, as far as they are known.
    pub views: Vec<View>,
    /// The node after this one, if it is linked.
    pub next: Option<Neighbour>,
    /// Whether the node before this one is linked.
    pub home_is_linked: bool,
}

/// The state of a node's two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The home copy.
    pub home: CopyReport,
    /// The next copy.
    pub next: CopyReport,
}

/// The state of one copy of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CopyReport {
    /// The newest view known to the copy.
    pub view: Option<View>,
    /// The position of the last durable entry.
    pub position: Position,
    /// The condition of the copy's data.
    pub condition: Condition,
}

impl Report {
    /// The report of one of the two copies.
    pub fn copy(&self, member: Member) -> &CopyReport {
        match member {
            Member::Home => &self.home,
            Member::Next => &self.next,
        }
    }
}

/// The place where a node serves its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The incarnation of the node.
    pub incarnation: Incarnation,
    /// `host:port`.
    pub address: String,
}

/// A read or an update, for one copy of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Pairs the reply with this request.
    pub call: CallId,
    /// The partition of the user.
    pub partition: PartitionId,
    /// The copy addressed.
    pub member: Member,
    /// The epoch of the view under which the gateway sends it. The copy serves no other epoch.
    pub epoch: Epoch,
    /// The read or the update itself.
    pub operation: Operation,
}

/// The content of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// A read of a user's record.
    Read(UserId),
    /// A change of a record.
    Update(Update),
}

/// An update, with the id that makes it happen at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The id of the request: the same at each send.
    pub request: RequestId,
    /// The lowest counter not yet settled by the gateway.
    pub unsettled_from: u64,
    /// The change to make.
    pub action: Action,
}

/// The change made by an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Adds a record.
    Create {
        /// The record.
        user: User,
        /// The precondition on the record.
        precondition: Precondition,
    },
    /// Changes the given fields.
    Change {
        /// The user's id, and the new values of fields.
        patch: UserPatch,
        /// The precondition on the record.
        precondition: Precondition,
    },
    /// Removes a record.
    Delete {
        /// The user.
        id: UserId,
        /// The precondition on the record.
        precondition: Precondition,
    },
}

impl Action {
    /// The user of the record to change.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Create { user, .. } => &user.id,
            Self::Change { patch, .. } => &patch.id,
            Self::Delete { id, .. } => id,
        }
    }

    /// The precondition on that record.
    pub fn precondition(&self) -> &Precondition {
        match self {
            Self::Create { precondition, .. }
            | Self::Change { precondition, .. }
            | Self::Delete { precondition, .. } => precondition,
        }
    }
}

impl Operation {
    /// The user of the record to read or change.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Read(id) => id,
            Self::Update(update) => update.action.id(),
        }
    }
}

/// The outcome of one send of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The copy's answer, released.
    Done(Answer),
    /// The copy did not use this send. It acts on another view, is not in sync, or the data it
    /// needs is damaged. It wrote nothing for this send.
    Fenced,
    /// The home copy did not use this send. The gateway has settled its request id already, or
    /// the id belongs to another boot.
    Settled,
}

/// The donor's ask for the view *both*. From the moment it sends the ask, the donor commits only
/// entries durable on the joiner too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The number of the ask.
    pub ask: AskNumber,
    /// The partition.
    pub partition: PartitionId,
    /// The epoch of the donor's view.
    pub epoch: Epoch,
    /// The joiner's incarnation.
    pub joiner: Incarnation,
}

/// The positions of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The partition.
    pub partition: PartitionId,
    /// The member of the copy.
    pub member: Member,
    /// The last entry written, durable or not.
    pub written: Position,
    /// The last entry known to be durable on this copy.
    pub durable: Seq,
    /// The last entry committed at this copy.
    pub committed: Seq,
    /// The condition of the copy's data.
    pub condition: Condition,
}
