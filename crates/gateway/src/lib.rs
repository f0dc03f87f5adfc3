//! The gateway: serves REST, links the nodes, and decides the views.
//!
//! ```text
//!                 +------------------------- gateway -------------------------+
//!  REST clients ->| rest  ---- submit --->  driver                            |
//!                 |        <-- outcome ---    | ring_core::gateway::Gateway        |
//!  nodes <------->| links ---- says ----->    |   (controller, router)        |
//!  observers <----|        <-- send ------    |            save ---> state    |
//!                 +-----------------------------------------------------------+
//! ```
//!
//! [`run()`] is the whole process, except for its arguments and its machine. The simulation calls
//! it too, with other [`Deps`]. This crate holds no rule of the protocol: `ring_core` has them
//! all.

mod acceptor;
mod access;
mod cluster_status;
mod config;
mod deps;
mod driver;
mod rest;
mod run;
pub mod state;
mod teller;

pub use access::Access;
pub use config::{Args, Config, ConfigError, ServedByHeader};
pub use deps::Deps;
pub use run::{RunError, run};
