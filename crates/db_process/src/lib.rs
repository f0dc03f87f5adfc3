//! A node of the ring: the process that keeps users in RocksDB.
//!
//! ```text
//!                    +------------------------------ db_process ------------------------------+
//!   gateway <------->| gateway_link  ---\                                                     |
//!                    |                   \                                                    |
//!   next's node <--->| next_link     -----> driver: ring_core::node::Node behind a lock       |
//!                    |                   /     |  reads          |  batch        ^ synced     |
//!   node before <--->| home_links    ---/      v                 v               |            |
//!                    |                  store (rows) <--- disk: writes, and syncs apart       |
//!                    |                         |                                              |
//!                    |                      storage (RocksDB)                                 |
//!                    +------------------------------------------------------------------------+
//! ```
//!
//! [`run()`] is the whole process, except for its arguments and its machine (network, disk, clock:
//! [`Deps`]). The simulation calls it too, with other [`Deps`]. This crate holds no rule of the
//! protocol; the rules live in `ring_core`.

mod config;
mod deps;
mod driver;
mod error;
mod run;
pub mod storage;
pub mod store;

pub use config::{AnnounceError, Args, Config, ConfigError, MemoryArgs, PlaceArgs};
pub use deps::Deps;
pub use error::RunError;
pub use run::run;
