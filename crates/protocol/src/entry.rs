//! Log entries: one update as the primary decided it, and its answer. A sender who repeats the
//! update gets the same answer.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::id::{Position, RequestId};
use crate::user::{RecordJson, UserId};

/// One logged update.
///
/// It holds the effect, not the request. Applying it needs no decision, so two copies with the
/// same applied entries hold the same records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The position in the partition's log.
    pub position: Position,
    /// The request carried out by this entry.
    pub request: RequestId,
    /// The lowest counter not yet settled when the gateway sent the request. Applying the entry
    /// drops the applied ids below it, and the ids of other boots.
    pub unsettled_from: u64,
    /// The effect on the record.
    pub change: Change,
}

/// The effect of an update on one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Adds a record.
    Create {
        /// The user.
        id: UserId,
        /// The record.
        record: RecordJson,
    },
    /// Replaces the content of a record.
    Replace {
        /// The user.
        id: UserId,
        /// The whole record after the change.
        record: RecordJson,
    },
    /// Removes a record.
    Delete {
        /// The user.
        id: UserId,
    },
}

impl Change {
    /// The user of the changed record.
    pub fn id(&self) -> &UserId {
        match self {
            Self::Create { id, .. } | Self::Replace { id, .. } | Self::Delete { id } => id,
        }
    }
}

/// A copy's answer to a read or an update that it carried out or looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Read: the record.
    Found {
        /// The position of the entry that wrote the record last.
        position: Position,
        /// The record.
        record: RecordJson,
    },
    /// Read, change or delete: there is no record of that user.
    NotFound,
    /// Create: done.
    Created {
        /// The position of the entry that created the record.
        position: Position,
        /// The record.
        record: RecordJson,
    },
    /// Create: there is a record of that user already.
    AlreadyExists,
    /// Change: done.
    Changed {
        /// The position of the entry that changed the record.
        position: Position,
        /// The record after the change.
        record: RecordJson,
    },
    /// Delete: done.
    Deleted,
    /// Create, change or delete: the record does not meet the precondition.
    PreconditionFailed,
}

impl Answer {
    /// The position of the record in the answer: its entity tag. None for an answer without a
    /// record.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Found { position, .. }
            | Self::Created { position, .. }
            | Self::Changed { position, .. } => Some(*position),
            Self::NotFound | Self::AlreadyExists | Self::Deleted | Self::PreconditionFailed => None,
        }
    }

    /// The approximate size on a link, in bytes: for budgets, not for accounting.
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
    /// The requests that may stay in the table of applied ids after this entry. Applying the
    /// entry drops all others (rule 12).
    pub fn unsettled(&self) -> RangeInclusive<RequestId> {
        let request = |counter| RequestId { boot: self.request.boot, counter };
        request(self.unsettled_from)..=request(u64::MAX)
    }

    /// The answer to the sender of the request, once the entry is committed.
    pub fn answer(&self) -> Answer {
        let position = self.position;
        match &self.change {
            Change::Create { record, .. } => Answer::Created { position, record: record.clone() },
            Change::Replace { record, .. } => Answer::Changed { position, record: record.clone() },
            Change::Delete { .. } => Answer::Deleted,
        }
    }

    /// The approximate size on a link and in the log, in bytes: for budgets, not for accounting.
    pub fn size_bytes(&self) -> usize {
        const FIXED: usize = 64;
        let record = match &self.change {
            Change::Create { record, .. } | Change::Replace { record, .. } => record.len(),
            Change::Delete { .. } => 0,
        };
        FIXED.saturating_add(self.change.id().as_str().len()).saturating_add(record)
    }
}
