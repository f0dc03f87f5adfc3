//! What a gateway takes from its machine, and the simulation from itself.

use std::sync::Arc;

use process::entropy::Entropy;
use process::threads::Threads;

use crate::state::StateStore;

/// What a gateway takes from its machine.
pub struct Deps<R, S> {
    /// Where REST is served.
    pub rest: R,
    /// Where nodes and observers are served.
    pub socket: S,
    /// Where the cluster's state is kept.
    pub state: Arc<dyn StateStore>,
    /// Where random things come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where blocking calls run.
    pub threads: Arc<dyn Threads>,
}
