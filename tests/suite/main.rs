//! Tests against real processes, on addresses and directories of their own.
//!
//! | module | shows |
//! |---|---|
//! | [`rest`] | every call, every error |
//! | [`kills`] | nodes are killed in turn under load: no read fails, nothing acked is lost |
//! | [`crowds`] | thousands of clients wait while one node after the other stands still |
//! | [`restarts`] | all processes are killed at once |
//! | [`rounds`] | schedules of the simulation, carried out on real processes |
//! | [`damage`] | damaged rows are found, never served, and restored |
//! | [`durability`] | no update is acked before it is durable on both nodes |
//! | [`cold_reads`] | reads of a silent disk hold up no other request |
//! | [`slow_disks`] | slow and hanging disks are named, others go on, hung processes end |
//! | [`full_disk`] | a node without room ends and says so; it returns once there is room |
//! | [`socket_io`] | socket.io clients of other authors |
//! | [`examples`] | the programs of `examples/` print what their READMEs promise |
//! | [`endings`] | processes are asked to end in the middle of their work |
//! | [`fixtures`] | data of earlier releases is opened |
//! | [`clocks`] | clocks that jump |
//! | [`refusals`] | processes that do not belong |
//! | [`operators`] | settings, output and commands of operators |
//! | [`attacks`] | malicious peers |
//! | [`hostile`] | hostile requests of every kind on every route, drawn from a seed |
//!
//! In [`crowds`] no read fails, nor any update whose home is alive. In [`full_disk`] the ring
//! goes on without the node. `make rest-fuzz` plays many requests of [`hostile`].

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "these are tests throughout")]

mod attacks;
mod clocks;
mod cold_reads;
mod crowds;
mod damage;
mod durability;
mod endings;
mod examples;
mod fixtures;
mod full_disk;
mod harness;
mod hostile;
mod kills;
mod operators;
mod refusals;
mod rest;
mod restarts;
mod rounds;
mod slow_disks;
mod socket_io;
