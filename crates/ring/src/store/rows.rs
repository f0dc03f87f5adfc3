//! The rows of a copy, as they are stored, and why a read of them fails.

use protocol::id::{Position, RequestId, Seq};
use protocol::user::RecordJson;

/// A record, as stored in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The entry of its last write.
    pub position: Position,
    /// The record.
    pub record: RecordJson,
}

/// A request in the table of applied ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedId {
    /// The request.
    pub request: RequestId,
    /// The entry of the request.
    pub seq: Seq,
    /// Where its answer is stored.
    pub answer: AnswerIn,
}

/// Where the answer to an applied request is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerIn {
    /// In the log. The answer follows from the entry.
    Log,
    /// In a row of its own, from a snapshot.
    Row,
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Storage could not be read. The node must stop: it cannot go on without the row.
    #[error("storage: {0}")]
    Failed(String),
    /// A row differs from the row written there, by its checksum or its contents; or a required
    /// row is missing.
    #[error("damaged: {0}")]
    Damaged(String),
}
