//! The types of Chainring's REST interface: for the gateway, and for programs that call it.
//!
//! | module | owns |
//! |---|---|
//! | [`cluster`] | the cluster and its nodes, partitions and copies; the operator's requests |
//! | [`path`] | the paths |
//! | [`problem`] | a failure, as a client reads it |
//!
//! A record and the rules of its fields are in [`protocol::user`], the problems of a gateway in
//! [`protocol::problem`]. Nothing here depends on the core.

pub mod cluster;
pub mod path;
pub mod problem;

pub use problem::Problem;

pub use cluster::{AcceptLoss, ClusterStatus, CopyStatus, NodeStatus, PartitionStatus};
