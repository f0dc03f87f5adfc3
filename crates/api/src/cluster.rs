//! The cluster, as `GET /api/cluster` and the observers of socket.io see it.

use protocol::id::{ClusterId, Incarnation, NodeId, PartitionId, Position, Seq};
use protocol::message::{Condition, Verdict};
use protocol::salvage::Salvage;
use protocol::view::View;
use serde::{Deserialize, Serialize};

/// What a gateway knows of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The cluster's id; none before it is formed.
    pub cluster: Option<ClusterId>,
    /// Whether every partition can be read and updated, with both copies in sync.
    pub healthy: bool,
    /// The nodes, in the ring's order.
    pub nodes: Vec<NodeStatus>,
    /// The partitions, in order.
    pub partitions: Vec<PartitionStatus>,
}

/// What a gateway knows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeId,
    /// Whether it is linked and welcomed.
    pub linked: bool,
    /// Where it serves its predecessor.
    pub address: Option<String>,
    /// Its data.
    pub incarnation: Option<Incarnation>,
    /// How often it was started.
    pub boots: Option<u64>,
    /// What it said when it ended, until it is linked again.
    pub last_words: Option<String>,
}

/// What a gateway knows of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionStatus {
    /// Which.
    pub partition: PartitionId,
    /// Its view; none before the cluster is formed.
    pub view: Option<View>,
    /// Its home copy.
    pub home: CopyStatus,
    /// Its next copy.
    pub next: CopyStatus,
    /// How many entries next has not made durable yet, as far as both have said.
    pub lag_entries: Option<u64>,
    /// What came of comparing both copies last, if they were compared.
    pub compared: Option<Verdict>,
    /// What was dropped as it could not be read, where an operator last accepted a loss.
    pub salvage: Option<Salvage>,
    /// Why it cannot be read or updated, or is without its second copy; empty if all is well.
    pub problems: Vec<String>,
}

/// What a gateway knows of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStatus {
    /// On which node.
    pub node: NodeId,
    /// Whether the view has it.
    pub in_sync: bool,
    /// Its last entry.
    pub position: Option<Position>,
    /// The last entry that is durable there.
    pub durable: Option<Seq>,
    /// The last entry that is committed there.
    pub committed: Option<Seq>,
    /// What its data is worth, as far as its node has said.
    pub condition: Option<Condition>,
}

/// The body of `POST /api/cluster/accept-loss`: an operator accepts that updates are lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptLoss {
    /// The partition that has lost updates.
    pub partition: PartitionId,
    /// The node whose copy the partition goes on with.
    pub from: NodeId,
}
