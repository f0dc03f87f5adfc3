//! The cluster as shown by `GET /api/cluster` and to the observers of socket.io.

use protocol::id::{ClusterId, Incarnation, NodeId, PartitionId, Position, Seq};
use protocol::message::{Condition, Verdict};
use protocol::salvage::Salvage;
use protocol::view::View;
use serde::{Deserialize, Serialize};

/// The gateway's knowledge of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterStatus {
    /// The cluster's id; none before it is formed.
    pub cluster: Option<ClusterId>,
    /// Whether no partition has problems. Then every one can be read and updated, with both
    /// copies in sync.
    pub healthy: bool,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeStatus>,
    /// The partitions, in order.
    pub partitions: Vec<PartitionStatus>,
}

/// The gateway's knowledge of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeStatus {
    /// The id of the node.
    pub id: NodeId,
    /// Whether the node is linked and welcomed.
    pub linked: bool,
    /// `host:port` where the node serves its predecessor.
    pub address: Option<String>,
    /// The incarnation of the node's data.
    pub incarnation: Option<Incarnation>,
    /// The number of the node's starts.
    pub boots: Option<u64>,
    /// The reason sent by the node when it ended. It stays until the node is linked again.
    pub last_words: Option<String>,
}

/// The gateway's knowledge of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartitionStatus {
    /// The partition.
    pub partition: PartitionId,
    /// The view; none before the cluster is formed.
    pub view: Option<View>,
    /// The home copy.
    pub home: CopyStatus,
    /// The next copy.
    pub next: CopyStatus,
    /// The number of entries durable at home but not yet at next, as far as both copies have
    /// said. 0 if home is behind.
    pub lag_entries: Option<u64>,
    /// The result of the last comparison of both copies, if there was one. If the copies report
    /// different results, the worse one counts.
    pub compared: Option<Verdict>,
    /// The records dropped as unreadable after an operator last accepted a loss.
    pub salvage: Option<Salvage>,
    /// The problems of the partition, in words for an operator: for example, why it cannot be
    /// read or updated, or is without its second copy. Empty if all is well.
    pub problems: Vec<String>,
}

/// The gateway's knowledge of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CopyStatus {
    /// The node of the copy.
    pub node: NodeId,
    /// Whether the copy is in sync in the view.
    pub in_sync: bool,
    /// The position of its last entry.
    pub position: Option<Position>,
    /// The last entry durable at this copy.
    pub durable: Option<Seq>,
    /// The last entry committed at this copy.
    pub committed: Option<Seq>,
    /// The condition of its data, as far as its node has said.
    pub condition: Option<Condition>,
}

/// The body of `POST /api/cluster/accept-loss`: an operator accepts the loss of updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AcceptedLoss))]
#[serde(deny_unknown_fields)]
pub struct AcceptLoss {
    /// The partition with lost updates.
    pub partition: PartitionId,
    /// The node of the copy from which the partition goes on.
    pub from: NodeId,
}
