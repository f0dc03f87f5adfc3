//! Launch: the processes of a cluster on one machine, for `chainring dev`, tests and benchmarks.
//!
//! | module | |
//! |---|---|
//! | [`layout`] | the files of a cluster, and the command line of each process |
//! | [`program`] | a command line, before its start |
//! | [`process`] | a running process |
//!
//! It knows the flags of the programs, but none of their code. Whether a process is started again
//! after its death, and where its output goes, is up to the caller.

pub mod layout;
pub mod process;
pub mod program;

pub use layout::{Layout, Users, node_id};
pub use process::{Ended, Process, StartError};
pub use program::Program;
