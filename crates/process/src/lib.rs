//! What every process of Chainring does alike: its secret, its log, its end, and what it draws from the machine.
//!
//! | module | owns |
//! |---|---|
//! | [`secret`] | where the cluster's secret is read from |
//! | [`links`] | the flags that set the times and sizes of links |
//! | [`ports`] | the flags that bound what peers may take of a port |
//! | [`tokens`] | the tokens of REST clients |
//! | [`disk`] | how long a disk may take |
//! | [`descriptors`] | how many files and sockets may be open |
//! | [`tls`] | certificates and keys, as the flags name them |
//! | [`flags`] | flags and the environment variables that stand for them |
//! | [`log`] | what is logged, and how it looks |
//! | [`lines`] | lines for people, which never make their writer wait |
//! | [`events`] | what can be seen of the inside, for checks |
//! | [`files`] | files and directories: durable, private |
//! | [`follow`] | files that are read again when they change |
//! | [`shared`] | a core behind a lock, and its timer |
//! | [`shutdown`] | signals, and what else ends a process in order |
//! | [`exit`] | what it says last |
//! | [`clock`] | the time, as the core counts it |
//! | [`entropy`] | randomness, handed in so that the simulation can hand in its own |
//! | [`threads`] | where blocking calls run; the simulation runs them inline |

pub mod clock;
pub mod descriptors;
pub mod disk;
pub mod entropy;
pub mod events;
pub mod exit;
pub mod files;
pub mod flags;
pub mod follow;
pub mod lines;
pub mod links;
pub mod log;
pub mod ports;
pub mod secret;
pub mod shared;
pub mod shutdown;
pub mod threads;
pub mod tls;
pub mod tokens;
