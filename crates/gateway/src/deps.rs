//! The gateway's dependencies on its machine. The simulation provides its own.

use std::sync::Arc;

use port::ServerTls;
use process::clock::MachineClock;
use process::entropy::Entropy;
use process::threads::Threads;

use crate::access::Access;
use crate::state::StateStore;

/// The gateway's dependencies on its machine.
pub struct Deps<R, S> {
    /// The listener of REST.
    pub rest: R,
    /// The TLS for REST.
    pub rest_tls: ServerTls,
    /// The listener for nodes and observers.
    pub socket: S,
    /// The TLS for nodes and observers.
    pub socket_tls: ServerTls,
    /// Access control. The tokens can change while the gateway runs.
    pub access: Access,
    /// The store of the cluster's state.
    pub state: Arc<dyn StateStore>,
    /// The clock.
    pub clock: Arc<dyn MachineClock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The threads for blocking calls.
    pub threads: Arc<dyn Threads>,
}
