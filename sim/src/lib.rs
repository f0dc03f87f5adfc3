//! Chainring in a simulated network. The production gateway and nodes run under turmoil,
//! through crashes, cuts and broken disks drawn from a seed. The verdict is based on the
//! clients' history and on the events told by the processes.
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
//! | `world` | machines with production processes, the network between them, their faults |
//! | [`seen`] | the events of a run |
//! | [`model`] | the state of the cluster, derived from the events |
//! | [`checks`], [`violation`] | the rules, one file each, and what breaks them |
//! | [`digest`] | all events in one number |
//! | [`probes`], `statistics` | how much has happened |
//! | [`report`], [`timeline`] | the result of a run, for programs and for people |
//!
//! The binary `sim-seed` runs one seed in a process of its own, with mad-turmoil's clocks and
//! randomness. People call `sim`, and `sim` starts it. There is no protocol here, and no second
//! assembly of the production parts: `gateway::run` and `db_process::run` are called as they
//! ship, with other `Deps`.

#[cfg(not(any(tokio_unstable, doc, doctest)))]
compile_error!(
    "tokio draws the order of `select!` from the seed only with `--cfg tokio_unstable`, which .cargo/config.toml sets: \
     do not set RUSTFLAGS"
);

pub mod checks;
pub mod child;
pub mod digest;
pub mod model;
pub mod panics;
pub mod plan;
pub mod probes;
pub mod report;
pub mod run;
pub mod seen;
mod statistics;
pub mod timeline;
pub mod violation;
mod world;
