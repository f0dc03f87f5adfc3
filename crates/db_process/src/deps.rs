//! What a node takes from its machine, and the simulation from itself.

use std::sync::Arc;

use port::Connector;
use process::entropy::Entropy;
use process::threads::Threads;

use crate::storage::Storage;

/// What a node takes from its machine.
pub struct Deps<L> {
    /// Where the node before this one is served.
    pub listener: L,
    /// The address of the listener, for other nodes to dial.
    pub address: String,
    /// Connects to the gateway and to the next node.
    pub connector: Arc<dyn Connector>,
    /// Where the data is.
    pub storage: Arc<dyn Storage>,
    /// Where random things come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where blocking calls run.
    pub threads: Arc<dyn Threads>,
}
