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
//! The rules of the design, and the place of each:
//!
//! | rule | where |
//! |---|---|
//! | 1 one authority | `controller`, `node::copy` (`replica::acting`) |
//! | 2 fencing | `node::copy` (`replica::acting`) |
//! | 3 release | `node::copy` (`release`, `tail`) |
//! | 4 prefix | `node::copy` (`source`, `sink`) |
//! | 5 shrink, alive now | `controller` (`decide`, `alive`) |
//! | 6 ask | `node::copy` (`source::joining`), `controller` (`decide`) |
//! | 7 reads move after the view | `router` |
//! | 8 out of sync never serves | `node::copy` (`replica`, `serving`) |
//! | 9 lost data | `controller` (`admission`, `decide`), `node::copy` (`source`, `install`) |
//! | 10 the controller's file | [`gateway::ClusterState`], its driver, `controller` (`rebuild`)|
//! | 11 recovered is not yet durable | [`store::Recovered`], drivers |
//! | 12 at most once | `node::copy` (`applied`, `updates`), `router` |
//! | 13 three outcomes | `router` |
//! | 14 one gateway | `node::copy` (`replica::acting`); the lock is its driver's |

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
