//! The core of Chainring: placement, views, replication and routing, as state machines without
//! I/O.
//!
//! ```text
//!   gateway's driver                                     db_process's driver
//!        |  GatewayEvent / GatewayEffect                       |  NodeEvent / NodeEffect
//!   +----v-----------------------+                        +----v--------------------+
//!   | gateway::Gateway           |   ToNode / FromNode    | node::Node              |
//!   |   controller  (views)      | <--------------------> |   home: PartitionCopy   |
//!   |   router      (requests)   |                        |   next: PartitionCopy   |
//!   +----------------------------+                        +-------------------------+
//! ```
//!
//! Each state machine has the shape `handle(now, event, effects)` and `next_deadline()`. The
//! core has no clock (a [`time::Time`] comes with each event), no randomness, no thread, no
//! socket and no disk: *durable* is an effect and, later, an event. So a test can play any
//! schedule of messages, losses and crashes to the core. The tests in `tests/` of this crate do
//! so.
//!
//! The rules of the design have numbers. `docs/protocol.md` lists them: each with its file, its
//! check and its tests.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

pub mod gateway;
pub mod link;
pub mod node;
pub mod placement;
pub mod store;
pub mod time;
