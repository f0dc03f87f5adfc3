//! The paths of the REST interface.

/// The path of the users. For one user, the id follows.
pub const USERS: &str = "/api/user/";

/// The path of the cluster. The actions of operators follow.
pub const CLUSTER: &str = "/api/cluster";

/// The path where an operator accepts a loss.
pub const ACCEPT_LOSS: &str = "/api/cluster/accept-loss";

/// The interface as an OpenAPI document.
pub const DOCUMENT: &str = "/api/openapi.json";

/// The metrics for Prometheus.
pub const METRICS: &str = "/metrics";

/// Tells whether the process is alive.
pub const ALIVE: &str = "/healthz";

/// Tells whether the process is ready for requests.
pub const READY: &str = "/readyz";
