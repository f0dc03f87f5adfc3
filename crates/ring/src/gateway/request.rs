//! What clients ask for, and what becomes of it.

use protocol::entry::Answer;
use protocol::id::{Epoch, NodeId};
use protocol::message::Action;
use protocol::user::UserId;
use protocol::view::Member;

/// Names a client's request for as long as it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRequest {
    /// The record of a user.
    Read(UserId),
    /// A change of a record.
    Update(Action),
}

impl ClientRequest {
    /// The user whose record is concerned.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Read(id) => id,
            Self::Update(action) => action.id(),
        }
    }

    /// Of which kind it is.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::Read(_) => RequestKind::Read,
            Self::Update(_) => RequestKind::Update,
        }
    }
}

/// The kinds of requests, which are served and limited apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// It changes nothing.
    Read,
    /// It may change a record.
    Update,
}

/// What became of a client's request. The three are kept apart everywhere (rule 13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out, and this is the answer.
    Done {
        /// The answer.
        answer: Answer,
        /// Who gave it.
        served_by: ServedBy,
    },
    /// It certainly had no effect and never will: it is safe to repeat it.
    NotDone(Unavailable),
    /// It may have had its effect, or may still have it.
    Unknown,
}

/// The copy that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBy {
    /// On which node.
    pub node: NodeId,
    /// Which copy.
    pub member: Member,
    /// Under which view.
    pub epoch: Epoch,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// There is no cluster yet: not all nodes have come.
    NotFormed,
    /// The node of the primary is not linked, or the primary is not in sync.
    NoPrimary,
    /// No copy could serve it before its deadline.
    DeadlinePassed,
    /// The only copy in sync was lost with its data; an operator has to decide.
    Lost,
    /// As many requests are under way as the gateway or the node bears.
    Overloaded,
    /// The node could not decode the request, twice.
    Undecodable,
    /// The gateway is ending. Its driver says so; the router does not know.
    Ending,
}
