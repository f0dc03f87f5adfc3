//! What can be set about a gateway.

use std::time::Duration;

/// What can be set about a gateway. No rule depends on these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettings {
    /// How long after the start no view shrinks, so that nodes have time to connect.
    pub grace: Duration,
    /// The most requests that are under way, those that wait for a node or a view included.
    pub in_flight_max: usize,
    /// The most that is under way at each node.
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

/// How much a node may have to do at once; more waits in the gateway.
///
/// A node takes updates in groups, each with one sync: as many as arrive while the one before is being written. More of
/// them under way than make a group add nothing but the time that each waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLimits {
    /// The most reads under way at a node.
    pub reads_max: usize,
    /// The most updates under way at a node. Every node is guaranteed half of this. A node may exceed half only while
    /// the total of all *n* nodes stays below *max + (n − 1) · max / 2*, so that slow nodes take no place from others.
    pub updates_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { reads_max: 512, updates_max: 256 }
    }
}
