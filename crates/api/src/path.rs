//! The paths of the REST interface.

/// The users. The id of one follows.
pub const USERS: &str = "/api/user/";

/// The cluster. What operators may do to it follows.
pub const CLUSTER: &str = "/api/cluster";

/// Where an operator accepts a loss.
pub const ACCEPT_LOSS: &str = "/api/cluster/accept-loss";

/// The interface as an OpenAPI document.
pub const DOCUMENT: &str = "/api/openapi.json";

/// Metrics for Prometheus.
pub const METRICS: &str = "/metrics";

/// Whether the process is alive.
pub const ALIVE: &str = "/healthz";

/// Whether it is worth sending requests.
pub const READY: &str = "/readyz";
