//! The common parts of both services: a core behind a lock, its clock, its events for checks,
//! and the flags of links and ports.
//!
//! | module | owns |
//! |---|---|
//! | [`shared`] | a core behind a lock, and its timer |
//! | [`clock`] | the time, as the core counts it |
//! | [`events`] | typed events of the inside of a process, for checks |
//! | [`common`] | the flags common to both services |
//! | [`links`] | the flags for the times and sizes of links |
//! | [`ports`] | the flags for the limits of a port's peers |
//! | [`tls`] | certificates and keys, as named by the flags |
//! | [`disk`] | the deadline of a disk |
//! | [`descriptors`] | the limit of open files and sockets |
//!
//! The parts common to every process, the command included, are in `process`.

pub mod clock;
pub mod common;
pub mod descriptors;
pub mod disk;
pub mod events;
pub mod links;
pub mod ports;
pub mod shared;
pub mod tls;
