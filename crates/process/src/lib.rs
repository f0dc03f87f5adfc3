//! The common parts of every process of Chainring, the command included: its flags, its secret,
//! its log, its end, and its sources of randomness and threads. Nothing here knows the core. The
//! parts shared only by the two services are in `service`.
//!
//! | module | owns |
//! |---|---|
//! | [`secret`] | the source of the cluster's secret |
//! | [`tokens`] | the tokens of REST clients |
//! | [`flags`] | flags and the environment variables for them |
//! | [`log`] | the log and its format |
//! | [`lines`] | lines for people; their writer never waits |
//! | [`files`] | files and directories: durable, private |
//! | [`follow`] | files that are read again when they change |
//! | [`shutdown`] | signals, and other reasons to end a process in order |
//! | [`exit`] | the last words and the exit code |
//! | [`entropy`] | randomness, handed in so that the simulation can hand in its own |
//! | [`clock`] | the machine's clock, handed in for the same reason |
//! | [`threads`] | the threads of blocking calls; the simulation runs these calls inline |

pub mod clock;
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
