//! What every process of Chainring does alike, the command included: its flags, its secret, its log, its end, and what it
//! draws from the machine. Nothing here knows the core; what only the two services do is in `service`.
//!
//! | module | owns |
//! |---|---|
//! | [`secret`] | where the cluster's secret is read from |
//! | [`tokens`] | the tokens of REST clients |
//! | [`flags`] | flags and the environment variables that stand for them |
//! | [`log`] | what is logged, and how it looks |
//! | [`lines`] | lines for people, which never make their writer wait |
//! | [`files`] | files and directories: durable, private |
//! | [`follow`] | files that are read again when they change |
//! | [`shutdown`] | signals, and what else ends a process in order |
//! | [`exit`] | what it says last |
//! | [`entropy`] | randomness, handed in so that the simulation can hand in its own |
//! | [`threads`] | where blocking calls run; the simulation runs them inline |

pub mod entropy;
pub mod exit;
pub mod files;
pub mod flags;
pub mod follow;
pub mod lines;
pub mod log;
pub mod secret;
pub mod shutdown;
pub mod threads;
pub mod tokens;

/// The version of this release, and the commit that it was built from: `unknown` where git does not tell.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CHAINRING_COMMIT"), ")");
