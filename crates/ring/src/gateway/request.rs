//! The requests of clients, and their outcomes.

use protocol::entry::Answer;
use protocol::id::{Epoch, NodeId};
use protocol::message::Action;
use protocol::user::UserId;
use protocol::view::Member;

/// Names a client's request while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A client's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRequest {
    /// Read the record of a user.
    Read(UserId),
    /// Change a record.
    Update(Action),
}

impl ClientRequest {
    /// The user of the record.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Read(id) => id,
            Self::Update(action) => action.id(),
        }
    }

    /// The kind of the request.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::Read(_) => RequestKind::Read,
            Self::Update(_) => RequestKind::Update,
        }
    }
}

/// The kinds of requests. The gateway serves and limits each kind separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// The request changes nothing.
    Read,
    /// The request may change a record.
    Update,
}

/// The outcome of a client's request. The three outcomes are kept apart everywhere (rule 13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The request was carried out.
    Done {
        /// The answer.
        answer: Answer,
        /// The copy of the answer.
        served_by: ServedBy,
    },
    /// The request certainly had no effect and never will. It is safe to repeat it.
    NotDone(Unavailable),
    /// The request may have had its effect, or may still have it.
    Unknown,
}

/// The copy of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBy {
    /// Its node.
    pub node: NodeId,
    /// Home or next.
    pub member: Member,
    /// The epoch of its view.
    pub epoch: Epoch,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// There is no cluster yet: not all nodes have connected.
    NotFormed,
    /// The node of the primary is not linked, or the primary is not in sync.
    NoPrimary,
    /// No copy could serve the request before its deadline.
    DeadlinePassed,
    /// Every copy in sync lost its data. An operator has to decide.
    Lost,
    /// The gateway or the node has its limit of requests under way.
    Overloaded,
    /// The node could not decode the request, twice.
    Undecodable,
    /// The gateway is ending. Its driver makes this outcome; the router never does.
    Ending,
}
