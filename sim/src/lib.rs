//! Chainring in a simulated network: the production gateway and nodes under turmoil, through crashes, cuts and broken
//! disks that are drawn from a seed, judged by what clients saw and by what processes tell of themselves.
//!
//! ```text
//!   seed --> plan --> run -------------------------------------> report
//!                      |  world: turmoil, machines, faults         ^
//!                      |  log: everything that is seen             |
//!                      `-> model, checks, probes, statistics ------'
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`plan`] | everything random about a run, drawn before it: swarm, faults, operations |
//! | [`run`] | the phases of a run |
//! | `world` | machines with production processes, the network between them, what goes wrong |
//! | [`seen`] | what is seen of a run |
//! | [`model`] | what is known of the cluster from that |
//! | [`checks`] | what must hold, one file each |
//! | [`probes`], `statistics` | how much has happened |
//! | [`report`], [`timeline`] | what a run came to, for programs and for people |
//!
//! The binary `sim-seed` runs one seed in a process of its own, with mad-turmoil's clocks and randomness; `sim`, which
//! people call, starts it. There is no protocol here, and nothing of how production puts its parts together: `gateway::run`
//! and `db_process::run` are called as they ship, with other `Deps`.

#[cfg(not(any(tokio_unstable, doc, doctest)))]
compile_error!(
    "tokio draws the order of `select!` from the seed only with `--cfg tokio_unstable`, which .cargo/config.toml sets: \
     do not set RUSTFLAGS"
);

pub mod checks;
pub mod child;
pub mod model;
pub mod panics;
pub mod plan;
pub mod probes;
pub mod report;
pub mod run;
pub mod seen;
mod statistics;
pub mod timeline;
mod world;
