//! The stored state of a salvage, and the keys of the dropped records.

use protocol::id::Seq;
use protocol::salvage::Salvage;
use protocol::user::UserId;
use serde::{Deserialize, Serialize};

/// The key of a record's row in its copy: the bytes of a user's id, unless they are damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey(pub Vec<u8>);

impl RecordKey {
    /// The user's id; none if the key is unreadable.
    pub fn id(&self) -> Option<UserId> {
        std::str::from_utf8(&self.0).ok()?.parse().ok()
    }
}

impl From<&UserId> for RecordKey {
    fn from(id: &UserId) -> Self {
        Self(id.as_str().as_bytes().to_vec())
    }
}

/// The result of a check of record rows for damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The keys of the unreadable records.
    pub keys: Vec<RecordKey>,
    /// The last row checked; none at the end.
    pub to: Option<RecordKey>,
}

/// The state of a copy's last salvage, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvageRow {
    /// The public part of the state.
    pub salvage: Salvage,
    /// A joiner whose last entry is not after this seq needs a snapshot, because the log does not
    /// name the dropped records. None when the other copy has been restored.
    pub snapshot_to: Option<Seq>,
}
