//! Why stored rows cannot be used.

use protocol::id::NodeId;
use ring_core::store::ReadError;

use super::seal::SealError;
use crate::storage::StorageError;

/// Why stored rows cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A row differs from the written row, or another release wrote it.
    #[error(
        "{row}: {error}. If it is damaged, start the node with an empty data directory: it is restored from its neighbours"
    )]
    Row {
        /// The name of the row.
        row: String,
        /// The error of its value.
        error: SealError,
    },
    /// The rows contradict each other.
    #[error("the stored data is damaged: {0}")]
    Inconsistent(String),
    /// The directory belongs to another node.
    #[error(
        "the data directory belongs to node {found}, this is node {wanted}: give each node its own directory"
    )]
    OtherNode {
        /// The owner of the directory.
        found: NodeId,
        /// The node opening it.
        wanted: NodeId,
    },
}

impl StoreError {
    /// The damage of a row, if a row differs from the written one. `None` for any other failure.
    pub(super) fn damage(&self) -> Option<String> {
        match self {
            Self::Row { row, error } if error.is_damage() => Some(format!("{row}: {error}")),
            Self::Inconsistent(detail) => Some(detail.clone()),
            Self::Row { .. } | Self::Storage(_) | Self::OtherNode { .. } => None,
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        error.damage().map_or_else(|| Self::Failed(error.to_string()), Self::Damaged)
    }
}
