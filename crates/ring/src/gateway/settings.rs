//! The settings of a gateway.

use std::time::Duration;

/// The settings of a gateway. No rule depends on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettings {
    /// How long after the start no view shrinks, so that nodes have time to connect.
    pub grace: Duration,
    /// The most client requests under way, including the requests waiting for a node or a view.
    pub in_flight_max: usize,
    /// The most requests under way at each node.
    pub node_limits: NodeLimits,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(2),
            in_flight_max: 16_384,
            node_limits: NodeLimits::default(),
        }
    }
}

/// The limits of the requests under way at one node. Further requests wait in the gateway.
///
/// A node takes updates in groups, and makes one sync for each group. A group is all updates
/// received during the write of the group before. More updates under way than one group bring no
/// gain: each of them only waits longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLimits {
    /// The most reads under way at a node.
    pub reads_max: usize,
    /// The most updates under way at a node. Every node is guaranteed half of this. A node may
    /// exceed half only while the total of all *n* nodes stays below *max + (n − 1) · max / 2*,
    /// so that slow nodes take no place from others.
    pub updates_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { reads_max: 512, updates_max: 256 }
    }
}
