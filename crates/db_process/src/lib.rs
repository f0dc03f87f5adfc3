//! A node of the ring: the process that keeps users in RocksDB.
//!
//! ```text
//!                    +------------------------------ db_process ------------------------------+
//!   gateway <------->| gateway_link  ---\                                                     |
//!                    |                   \                                                    |
//!   next's node <--->| next_link     -----> driver: ring_core::node::Node behind a lock       |
//!                    |                   /     |  reads          |  batch        ^ synced     |
//!   home's node <--->| home_links    ---/      v                 v               |            |
//!                    |                  store (rows) <--- disk: writes, and syncs apart       |
//!                    |                         |                                              |
//!                    |                      storage (RocksDB)                                 |
//!                    +------------------------------------------------------------------------+
//! ```
//!
//! [`run()`] is the whole process except its arguments and its machine. The simulation calls it
//! too, with other [`Deps`]. This crate holds no rule of the protocol; the rules live in
//! `ring_core`.

mod config;
mod deps;
mod driver;
mod run;
pub mod storage;
pub mod store;

pub use config::{AnnounceError, Args, Config, ConfigError, MemoryArgs, PlaceArgs};
pub use deps::Deps;
pub use run::{RunError, run};
