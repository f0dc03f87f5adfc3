//! Why an operator's decision on a lost partition is refused.

use protocol::id::{NodeId, PartitionId};

/// The refusal of an operator's decision on a partition, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptLossError {
    /// There is no such partition.
    #[error("there is no partition {0}")]
    NoPartition(PartitionId),
    /// Nothing is lost there.
    #[error("{0} is not lost: what is in sync has its data, and is served when its node is linked")]
    NotLost(PartitionId),
    /// The copy is not there.
    #[error("{0} is not linked: start it, or name the other node of the partition")]
    NotLinked(NodeId),
    /// The copy holds a part of what it should.
    #[error(
        "the copy on {0} is only partly restored: name the other node, or start this one with an empty data directory to \
         begin with no users at all"
    )]
    NotWhole(NodeId),
    /// The node holds no copy of it.
    #[error("{node} holds no copy of {partition}: name one of {holders}")]
    NoCopy {
        /// The node.
        node: NodeId,
        /// The partition.
        partition: PartitionId,
        /// Who holds one.
        holders: String,
    },
}
