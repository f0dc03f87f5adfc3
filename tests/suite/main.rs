//! Tests against real processes on addresses and directories of their own.
//!
//! | module | what it shows |
//! |---|---|
//! | [`rest`] | every call, every error |
//! | [`kills`] | one node after the other is killed under load: no read fails, nothing acked is lost |
//! | [`crowds`] | thousands of clients wait out each node that stands still: no read fails, and no update whose home is alive |
//! | [`restarts`] | all processes are killed at once |
//! | [`rounds`] | schedules of the simulation, carried out on real processes |
//! | [`damage`] | stored rows that are not what was written are found, never served, and restored |
//! | [`durability`] | no update is acked before it is durable on both nodes |
//! | [`cold_reads`] | reads of a disk that does not answer hold up nothing but those who asked for them |
//! | [`slow_disks`] | disks that are slow or hang: they are named, others go on, and what does not come back ends |
//! | [`full_disk`] | a node without room ends and says so, the ring goes on, and it comes back once there is room |
//! | [`socket_io`] | other people's socket.io clients |
//! | [`endings`] | processes that are asked to end, in the middle of something |
//! | [`fixtures`] | data of earlier releases is opened |
//! | [`clocks`] | clocks that jump |
//! | [`refusals`] | processes that do not belong |
//! | [`operators`] | what operators set, read, and type |
//! | [`attacks`] | peers that mean ill |
//! | [`hostile`] | hostile requests of every kind on every route, drawn from a seed: `make rest-fuzz` plays many |

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "these are tests throughout")]

mod attacks;
mod clocks;
mod cold_reads;
mod crowds;
mod damage;
mod durability;
mod endings;
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
