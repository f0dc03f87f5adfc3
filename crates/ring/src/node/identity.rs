//! Who a node is.

use protocol::id::{Boot, Incarnation, NodeId};

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// Its id.
    pub node: NodeId,
    /// Its data.
    pub incarnation: Incarnation,
    /// Its start.
    pub boot: Boot,
    /// `host:port` where it serves its predecessor.
    pub address: String,
}
