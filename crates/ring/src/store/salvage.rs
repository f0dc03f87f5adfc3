//! What a storage keeps of a salvage, and how the records are named that it drops.

use protocol::id::Seq;
use protocol::salvage::Salvage;
use protocol::user::UserId;
use serde::{Deserialize, Serialize};

/// The key of a record's row in its copy: the bytes of a user's id, unless they are damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey(pub Vec<u8>);

impl RecordKey {
    /// The user's id, if the key can be read.
    pub fn id(&self) -> Option<UserId> {
        std::str::from_utf8(&self.0).ok()?.parse().ok()
    }
}

impl From<&UserId> for RecordKey {
    fn from(id: &UserId) -> Self {
        Self(id.as_str().as_bytes().to_vec())
    }
}

/// The rows of records that were looked at for damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Those that cannot be read.
    pub keys: Vec<RecordKey>,
    /// The last row that was looked at; none where there are no more.
    pub to: Option<RecordKey>,
}

/// How the last salvage of a copy stands, as its storage keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvageRow {
    /// What is told of it.
    pub salvage: Salvage,
    /// Whoever ends at this entry or before it is restored by a snapshot, as the log does not tell of what was dropped; none
    /// once the other copy was restored.
    pub snapshot_to: Option<Seq>,
}
