//! Log entries: one update as the primary decided it, and the answer that its sender gets, however often it asks.

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::id::{Position, RequestId};
use crate::user::UserId;

/// A user record as it is stored and served: its canonical JSON, made once by the primary.
///
/// Readers pass these bytes on as they are; see [`User::to_json`](crate::user::User::to_json).
pub type RecordJson = Bytes;

/// One logged update.
///
/// It holds the effect, not the wish: applying it needs no decision, so two copies that apply the same entries hold
/// the same records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the partition's log.
    pub position: Position,
    /// The request that it carries out.
    pub request: RequestId,
    /// The lowest counter that the gateway had not settled when it sent the request. Applying the entry drops the
    /// applied ids below it, and those of other boots.
    pub unsettled_from: u64,
    /// What it does.
    pub change: Change,
}

/// The effect of an update on one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A record came to be.
    Create {
        /// Whose.
        id: UserId,
        /// The record.
        record: RecordJson,
    },
    /// A record got new content.
    Replace {
        /// Whose.
        id: UserId,
        /// The whole record after it.
        record: RecordJson,
    },
    /// A record ceased to be.
    Delete {
        /// Whose.
        id: UserId,
    },
}

impl Change {
    /// The user whose record changes.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Create { id, .. } | Self::Replace { id, .. } | Self::Delete { id } => id,
        }
    }
}

/// What a copy has to say to a read or an update that it carried out or looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Read: the record.
    Found {
        /// The entry that last wrote it.
        position: Position,
        /// The record.
        record: RecordJson,
    },
    /// Read, change or delete: there is no such record.
    NotFound,
    /// Create: done.
    Created {
        /// The entry that did it.
        position: Position,
        /// The record.
        record: RecordJson,
    },
    /// Create: there is such a record already.
    AlreadyExists,
    /// Change: done.
    Changed {
        /// The entry that did it.
        position: Position,
        /// The record after it.
        record: RecordJson,
    },
    /// Delete: done.
    Deleted,
    /// Change or delete: the record is at another position than the one that `If-Match` asks for.
    PreconditionFailed,
}

impl Answer {
    /// The position of the record that it shows: its entity tag.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Found { position, .. }
            | Self::Created { position, .. }
            | Self::Changed { position, .. } => Some(*position),
            Self::NotFound | Self::AlreadyExists | Self::Deleted | Self::PreconditionFailed => None,
        }
    }

    /// Roughly the bytes it takes on a link; for budgets, not for accounting.
    pub fn size_bytes(&self) -> usize {
        const FIXED: usize = 48;
        match self {
            Self::Found { record, .. }
            | Self::Created { record, .. }
            | Self::Changed { record, .. } => FIXED.saturating_add(record.len()),
            Self::NotFound | Self::AlreadyExists | Self::Deleted | Self::PreconditionFailed => {
                FIXED
            }
        }
    }
}

impl Entry {
    /// The requests that may be in the table of applied ids after it: applying it drops all others (rule 12).
    pub fn unsettled(&self) -> RangeInclusive<RequestId> {
        let request = |counter| RequestId { boot: self.request.boot, counter };
        request(self.unsettled_from)..=request(u64::MAX)
    }

    /// What the sender of the request is told once the entry is committed.
    pub fn answer(&self) -> Answer {
        let position = self.position;
        match &self.change {
            Change::Create { record, .. } => Answer::Created { position, record: record.clone() },
            Change::Replace { record, .. } => Answer::Changed { position, record: record.clone() },
            Change::Delete { .. } => Answer::Deleted,
        }
    }

    /// Roughly the bytes it takes on a link and in the log; for budgets, not for accounting.
    pub fn size_bytes(&self) -> usize {
        const FIXED: usize = 64;
        let record = match &self.change {
            Change::Create { record, .. } | Change::Replace { record, .. } => record.len(),
            Change::Delete { .. } => 0,
        };
        FIXED.saturating_add(self.change.id().as_str().len()).saturating_add(record)
    }
}
