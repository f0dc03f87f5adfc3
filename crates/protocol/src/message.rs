//! The messages of the links, in both directions.
//!
//! ```text
//!            ToNode                     CopyMessage
//!  gateway ----------> node      home's node <---------> next's node
//!          <----------
//!           FromNode
//! ```
//!
//! Between copies both ends speak the same messages: which of them sends entries, and which receives them, follows the
//! view, not the ring ([`InSync::source`](crate::view::InSync::source)).
//!
//! A link keeps the order of its messages; that is what lets a view travel *ahead of* the requests that need it.
//! Adding, removing or reordering variants or fields changes the bytes: raise
//! [`Versions::SPOKEN`](crate::version::Versions::SPOKEN).

use serde::{Deserialize, Serialize};

use crate::entry::{Answer, Entry, RecordJson};
use crate::id::{
    ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId, Seq,
};
use crate::precondition::Precondition;
use crate::refusal::Refusal;
use crate::salvage::Salvage;
use crate::user::{User, UserId, UserPatch};
use crate::view::{Member, View};

/// From the gateway to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToNode {
    /// First on every link: what the node needs to take its place.
    Welcome(Welcome),
    /// A new view of a partition of which the node holds a copy.
    View(View),
    /// The node after this one is linked to the gateway, and serves its predecessor here.
    NextIsLinked(Neighbour),
    /// The node before this one is linked to the gateway.
    HomeIsLinked,
    /// The other copy of a partition is whole now: if an ask for it was refused, another one is worth it.
    JoinerIsWhole {
        /// The partition.
        partition: PartitionId,
    },
    /// The ask of this number is refused; that the joiner's node is linked, or whole, says when another is worth it.
    AskRefused {
        /// The partition asked for.
        partition: PartitionId,
        /// The number of the ask.
        ask: AskNumber,
    },
    /// A read or an update.
    Request(Request),
    /// To be answered at once: the gateway wants to see that the node is alive now.
    Probe(ProbeNumber),
    /// The link ends now, and why.
    Goodbye(Refusal),
}

/// From a node to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromNode {
    /// First on every link: what the node has. It is welcomed once that is judged.
    Report(Report),
    /// To the request of this call.
    Reply {
        /// As in the request.
        call: CallId,
        /// What came of it.
        reply: Reply,
    },
    /// The joiner is level: the donor asks for the view *both*.
    Ask(Ask),
    /// Home acts alone from now on. It goes ahead of every reply under that view: as long as this was not heard, nobody was
    /// told of anything that next does not have.
    ServesAlone {
        /// The partition.
        partition: PartitionId,
        /// The epoch of the view.
        epoch: Epoch,
    },
    /// Home cannot reach next, though it tries; holds until [`NextReachable`](Self::NextReachable) or the link's end.
    NextUnreachable {
        /// The partition whose home this node is.
        partition: PartitionId,
        /// The epoch of home's view.
        epoch: Epoch,
    },
    /// Home reaches next again.
    NextReachable {
        /// The partition whose home this node is.
        partition: PartitionId,
    },
    /// What a copy of this node is worth from now on. It is said again under each view, so what comes under an older one than
    /// the controller's is not heard.
    Condition {
        /// Of which partition.
        partition: PartitionId,
        /// The epoch of the view that the copy acts on.
        epoch: Epoch,
        /// What it is worth.
        condition: Condition,
    },
    /// What came of comparing both copies: at the first difference, and each time all has been compared.
    Compared {
        /// Of which partition.
        partition: PartitionId,
        /// What came of it.
        verdict: Verdict,
    },
    /// How the salvage of a copy stands; said again on each link, while the copy acts on a view that remembers the accepted loss.
    Salvage {
        /// Of which partition.
        partition: PartitionId,
        /// How it stands.
        salvage: Salvage,
    },
    /// The answer to a probe.
    Alive(ProbeNumber),
    /// Whether the node's disk answers. Said where that changes; a node that is linked is taken to have one that does.
    Disk(DiskState),
    /// A frame of the gateway cannot be decoded: the node ends the link. What the gateway sent before that frame was read.
    Undecodable {
        /// The last request that was read, if there was one.
        understood: Option<CallId>,
    },
    /// The node ends, and why: for people who look at the cluster.
    Goodbye(String),
    /// How far a copy is; for people who look at the cluster, no rule depends on it.
    Progress(Progress),
}

/// Between the two copies of a partition, over the link of their nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyMessage {
    /// First on every link, from both ends; and again where data was fenced.
    Greeting(Greeting),
    /// From the source.
    Data {
        /// The session that the receiver's greeting began; data of another is not used.
        session: u64,
        /// The source's view.
        view: View,
        /// What.
        data: Data,
    },
    /// To the source: so much is durable.
    Durable {
        /// The session that it is about.
        session: u64,
        /// Every entry up to this one.
        seq: Seq,
        /// So many of the session's data.
        data: u64,
        /// The last entry that is written. Where more entries are durable than before, a sync begins now that covers it.
        written: Seq,
    },
    /// To the source: the stretch that came last is compared, or skipped.
    Compared {
        /// The session that it is about.
        session: u64,
    },
    /// The link ends now, and why.
    Goodbye(Refusal),
}

/// How far a copy is, where the other one is to send what it misses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Numbers the sessions of a link.
    pub session: u64,
    /// The newest view that the copy acts on. Data of an older one is fenced.
    pub view: Option<View>,
    /// What of it is durable.
    pub holds: Holds,
}

/// What a copy can go on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// Everything up to this entry.
    Whole(Position),
    /// What a snapshot has brought up to the cursor, as of this entry.
    Part(Position, Cursor),
    /// Nothing that could be relied on: a snapshot has to take its place.
    Nothing,
}

/// What a source sends, in this order: entries follow each other, and rows are as they are right after the last entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Data {
    /// Entries that are durable at the source, and follow each other.
    Append {
        /// The position before the first of them.
        previous: Position,
        /// The entries; at least one.
        entries: Vec<Entry>,
    },
    /// A snapshot begins: all that the receiver has is to be dropped.
    Install {
        /// The entry that the snapshot is taken after; none before the first one.
        base: Option<Entry>,
    },
    /// More of a snapshot.
    Chunk {
        /// The rows that follow what is there.
        rows: Rows,
        /// How far the snapshot is with them; none if it is complete.
        then: Option<Cursor>,
    },
    /// Nothing new: both copies are to have the same rows here. The next one is sent when the receiver has compared this one.
    Compare(Stretch),
}

/// A stretch of a copy's rows, to be compared with that of the other copy at the same entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its rows come after this one.
    pub after: Cursor,
    /// It ends with this one; none where it goes to the last row.
    pub to: Option<Cursor>,
    /// How many rows it has.
    pub rows: u64,
    /// A digest of them, in order.
    pub digest: u128,
}

/// What came of comparing the two copies of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are the same.
    Same,
    /// They differ though neither is damaged: nobody can tell which one is right.
    Different,
}

/// What the data of a copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// All of it is there, as far as anyone knows.
    #[default]
    Whole,
    /// A row is not what was written. What does not depend on it is served as long as a view counts on the copy; then a
    /// snapshot takes its place.
    Damaged,
    /// Parts are missing: a snapshot has not come to its end. It serves nothing.
    Partial,
    /// The end of the log or the table of applied ids cannot be read, so the copy does not know how far it is. It serves
    /// nothing.
    Unreadable,
}

impl Condition {
    /// Whether a copy in sync serves anything.
    pub fn serves(self) -> bool {
        self.worth() > 0
    }

    /// Whether a view does better with a copy of this condition than with one of the other.
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
    /// Of the table of applied ids.
    Applied(Vec<AppliedRow>),
    /// Records.
    Records(Vec<RecordRow>),
}

/// A row of the table of applied ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRow {
    /// The request.
    pub request: RequestId,
    /// The entry that carried it out.
    pub seq: Seq,
    /// What it was answered.
    pub answer: Answer,
}

/// A record, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRow {
    /// Whose.
    pub id: UserId,
    /// The entry that last wrote it.
    pub position: Position,
    /// The record.
    pub record: RecordJson,
}

/// How far a snapshot has come: the table of applied ids first, then the records, each in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cursor {
    /// The applied ids up to this one are there; none yet where there is none.
    Applied(Option<RequestId>),
    /// All applied ids are there, and the records up to this one; none yet where there is none.
    Records(Option<UserId>),
}

impl Cursor {
    /// Nothing is there yet.
    pub const START: Self = Self::Applied(None);

    /// Whether the record of a user is among what is there.
    pub fn covers(&self, id: &UserId) -> bool {
        matches!(self, Self::Records(Some(last)) if id <= last)
    }
}

/// Pairs a reply with its request on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

/// Tells one ask of a node from another on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskNumber(pub u64);

/// Whether a node's disk answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskState {
    /// As far as is known.
    #[default]
    Answers,
    /// A sync has not returned for a second: for views this counts as a lost link.
    Silent,
}

/// Tells one probe of a gateway from another; a later probe has a higher number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ProbeNumber(pub u64);

/// What a node needs to take its place in the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its nodes, in the ring's order.
    pub ring: Vec<NodeId>,
    /// The gateway's start: request ids of another are refused.
    pub gateway_boot: GatewayBoot,
    /// The views of the two partitions of which the node holds a copy, as far as they are known.
    pub views: Vec<View>,
    /// The node after this one, where it is linked.
    pub next: Option<Neighbour>,
    /// Whether the node before this one is linked.
    pub home_is_linked: bool,
}

/// What a node has of its two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Its home copy.
    pub home: CopyReport,
    /// Its next copy.
    pub next: CopyReport,
}

/// What a node has of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CopyReport {
    /// The newest view that the copy knows of.
    pub view: Option<View>,
    /// The last entry that is durable.
    pub position: Position,
    /// What it is worth.
    pub condition: Condition,
}

impl Report {
    /// That of one of the copies.
    pub fn copy(&self, member: Member) -> &CopyReport {
        match member {
            Member::Home => &self.home,
            Member::Next => &self.next,
        }
    }
}

/// Where a node serves its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The data that the node has.
    pub incarnation: Incarnation,
    /// `host:port`.
    pub address: String,
}

/// A read or an update, for one copy of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Pairs the reply with it.
    pub call: CallId,
    /// The partition of the user.
    pub partition: PartitionId,
    /// The copy that is meant.
    pub member: Member,
    /// The view under which it is sent; the copy serves no other.
    pub epoch: Epoch,
    /// What is asked.
    pub operation: Operation,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The record of a user.
    Read(UserId),
    /// A change of a record.
    Update(Update),
}

/// An update, under the id that makes it happen at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The same each time it is sent.
    pub request: RequestId,
    /// The lowest counter that the gateway has not settled.
    pub unsettled_from: u64,
    /// What is to be done.
    pub action: Action,
}

/// What an update does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Adds a record.
    Create {
        /// The record.
        user: User,
        /// What must hold.
        precondition: Precondition,
    },
    /// Changes the fields that are given.
    Change {
        /// Whose record, and the fields.
        patch: UserPatch,
        /// What must hold of the record.
        precondition: Precondition,
    },
    /// Removes a record.
    Delete {
        /// Whose.
        id: UserId,
        /// What must hold of the record.
        precondition: Precondition,
    },
}

impl Action {
    /// The user whose record is concerned.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Create { user, .. } => &user.id,
            Self::Change { patch, .. } => &patch.id,
            Self::Delete { id, .. } => id,
        }
    }

    /// What must hold of that record.
    pub fn precondition(&self) -> &Precondition {
        match self {
            Self::Create { precondition, .. }
            | Self::Change { precondition, .. }
            | Self::Delete { precondition, .. } => precondition,
        }
    }
}

impl Operation {
    /// The user whose record is concerned.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Read(id) => id,
            Self::Update(update) => update.action.id(),
        }
    }
}

/// What came of one send of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The copy's answer, released.
    Done(Answer),
    /// The copy did not use this send: it acts on another view, is not in sync, or what it would need is damaged. Nothing
    /// was written for it.
    Fenced,
    /// The home copy did not use this send: its request id is one that the gateway has settled, or of another boot.
    Settled,
}

/// The donor's ask for the view *both*. From the moment it is sent the donor commits nothing that the joiner has not
/// made durable too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its number.
    pub ask: AskNumber,
    /// The partition.
    pub partition: PartitionId,
    /// The donor's view.
    pub epoch: Epoch,
    /// The joiner's data.
    pub joiner: Incarnation,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The partition.
    pub partition: PartitionId,
    /// Which of its copies.
    pub member: Member,
    /// The last entry written, durable or not.
    pub written: Position,
    /// The last entry known to be durable here.
    pub durable: Seq,
    /// The last entry committed here.
    pub committed: Seq,
    /// What it is worth.
    pub condition: Condition,
}
