//! Recorded histories of operations, and the checker for their linearizability.
//!
//! Every kind of test of the project (simulation, real processes) records the requests and
//! answers of its clients in a [`History`]. [`check_each_key`] or [`users::check_users`] judges
//! it:
//!
//! ```text
//!   testers ──invoke / complete──> Recorder ──> History <──save / load──> JSON Lines
//!                                                  │
//!                                    one history per key (user id)
//!                                                  │
//!                          Model ──────────────> check ──> Verdict (with a Counterexample)
//! ```
//!
//! - [`Recorder`] collects events from concurrent testers; [`History`] is the finished
//!   recording.
//! - [`Outcome`] keeps *done*, *certainly not done* and *unknown* apart.
//! - [`Model`] is the sequential meaning of the operations. [`users`] is the model of one user
//!   record as seen by REST clients, [`register`] the model of a compare-and-set register.
//! - [`check()`](check::check) searches for an order of the operations that agrees with the
//!   model and with real time, within a [`Budget`].
//!
//! This crate knows no network, no clock and no source of randomness, and equal input gives
//! equal output to the last step. The tests that use this crate decide the clients' operations
//! and their times.

pub mod check;
mod history;
mod json_lines;
mod model;
mod operation;
mod recorder;
pub mod register;
mod report;
pub mod users;
mod verdict;

pub use check::{Budget, KeyedVerdict, check, check_each_key};
pub use history::{Event, History, HistoryError};
pub use json_lines::{LoadError, SaveError};
pub use model::Model;
pub use operation::{ClientId, HistoryOperation, OperationId, Outcome};
pub use recorder::{PendingOperation, Recorder};
pub use report::{Counterexample, ReportedOperation};
pub use verdict::Verdict;
