//! The identity of a node.

use protocol::id::{Boot, Incarnation, NodeId};

/// The identity of a node: its id, its data, its start and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// Its stable id, such as `db-0`.
    pub node: NodeId,
    /// The identity of its data directory.
    pub incarnation: Incarnation,
    /// The number of this start, and a random part.
    pub boot: Boot,
    /// `host:port` where it serves its predecessor.
    pub address: String,
}
