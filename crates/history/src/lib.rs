//! Recorded histories of operations, and the checker that says whether they are linearizable.
//!
//! Every kind of test of the project (simulation, real processes) records what its clients saw in a
//! [`History`] and lets [`check_each_key`] or [`users::check_users`] judge it:
//!
//! ```text
//!   testers ──invoke / complete──> Recorder ──> History <──save / load──> JSON Lines
//!                                                  │
//!                                    one history per key (user id)
//!                                                  │
//!                          Model ──────────────> check ──> Verdict (with a Report)
//! ```
//!
//! - [`Recorder`] collects events from concurrent testers; [`History`] is the finished recording.
//! - [`Outcome`] keeps *done*, *certainly not done* and *unknown* apart.
//! - [`Model`] is the sequential meaning of the operations; [`users`] is the model of one user record
//!   as REST clients see it, [`register`] that of a compare-and-set register.
//! - [`check()`](check::check) searches for an order of the operations that agrees with the model and
//!   with real time, within a [`Budget`].
//!
//! Nothing here knows a network, a clock or a source of randomness, and equal input gives equal output
//! to the last step. What clients do, and when, is the business of the tests that use this crate.

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
pub use operation::{ClientId, Operation, OperationId, Outcome};
pub use recorder::{PendingOperation, Recorder};
pub use report::{Report, ReportedOperation};
pub use verdict::Verdict;
