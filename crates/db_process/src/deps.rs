//! The dependencies of a node: its machine provides them, or the simulation.

use std::sync::Arc;

use port::{Connector, ServerTls};
use process::clock::MachineClock;
use process::entropy::Entropy;
use process::threads::Threads;

use crate::storage::Storage;

/// The dependencies of a node on its machine.
pub struct Deps<L> {
    /// Serves the node before this one.
    pub listener: L,
    /// The TLS of the listener.
    pub tls: ServerTls,
    /// The address of the listener, for other nodes to dial.
    pub address: String,
    /// Connects to the gateway and to the next node.
    pub connector: Arc<dyn Connector>,
    /// Where the data is.
    pub storage: Arc<dyn Storage>,
    /// The clock.
    pub clock: Arc<dyn MachineClock>,
    /// The source of random values.
    pub entropy: Arc<dyn Entropy>,
    /// Where blocking calls run.
    pub threads: Arc<dyn Threads>,
}
