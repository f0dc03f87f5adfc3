//! The messages of the links, in both directions.
//!
//! ```text
//!            ToNode                       ToNext
//!  gateway ----------> node      home's node ----------> next's node
//!          <----------                   <----------
//!           FromNode                     FromNext
//! ```
//!
//! A link keeps the order of its messages; that is what lets a view travel *ahead of* the requests that need it.
//! Adding, removing or reordering variants or fields changes the bytes: raise
//! [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION).

use serde::{Deserialize, Serialize};

use crate::entry::{Answer, Entry};
use crate::id::{
    ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId, Seq,
};
use crate::refusal::Refusal;
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
    /// The ask of this number is refused; [`NextIsLinked`](Self::NextIsLinked) says when another is worth it.
    AskRefused {
        /// The partition asked for.
        partition: PartitionId,
        /// The number of the ask.
        ask: AskNumber,
    },
    /// A read or an update.
    Request(Request),
    /// The link ends now, and why.
    Goodbye(Refusal),
}

/// From a node to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromNode {
    /// To the request of this call.
    Reply {
        /// As in the request.
        call: CallId,
        /// What came of it.
        reply: Reply,
    },
    /// Home's next copy is level: the donor asks for the view *both*.
    Ask(Ask),
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
    /// How far a copy is; for people who look at the cluster, no rule depends on it.
    Progress(Progress),
}

/// From home's node to next's node: entries, in order, on behalf of the home copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToNext {
    /// Entries that are durable at home, and follow each other.
    Append {
        /// Home's view.
        view: View,
        /// The position before the first of the entries.
        previous: Position,
        /// The entries; none where there is just a view to tell.
        entries: Vec<Entry>,
        /// Home needs next's log only from here on.
        keep_from: Seq,
    },
}

/// From next's node to home's node, on behalf of the next copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromNext {
    /// First on every link: how far the copy is.
    Greeting {
        /// The view that the copy acts on.
        view: Option<View>,
        /// Its last entry; durable.
        position: Position,
    },
    /// Every entry up to this one is durable at next.
    Durable {
        /// The last of them.
        seq: Seq,
    },
    /// The append named an older view than the copy's own, and was not used.
    Fenced {
        /// The copy's own view, durable.
        view: View,
    },
    /// The link ends now, and why.
    Goodbye(Refusal),
}

/// Pairs a reply with its request on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

/// Tells one ask of a node from another on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskNumber(pub u64);

/// What a node needs to take its place in the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its nodes, in the ring's order.
    pub ring: Vec<NodeId>,
    /// The gateway's start: request ids of another are refused.
    pub gateway_boot: GatewayBoot,
    /// The views of the two partitions of which the node holds a copy.
    pub views: Vec<View>,
    /// The node after this one, where it is linked.
    pub next: Option<Neighbour>,
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
    Create(User),
    /// Changes the fields that are given.
    Change {
        /// Whose record, and the fields.
        patch: UserPatch,
        /// Only if the record is at this position.
        if_match: Option<Position>,
    },
    /// Removes a record.
    Delete {
        /// Whose.
        id: UserId,
        /// Only if the record is at this position.
        if_match: Option<Position>,
    },
}

impl Action {
    /// The user whose record is concerned.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Create(user) => &user.id,
            Self::Change { patch, .. } => &patch.id,
            Self::Delete { id, .. } => id,
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
    /// The copy did not use this send: it acts on another view, or is not in sync. Nothing was written for it.
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
}
