//! What both services do alike: a core behind a lock, its clock, its events for checks, and the flags of links and ports.
//!
//! | module | owns |
//! |---|---|
//! | [`shared`] | a core behind a lock, and its timer |
//! | [`clock`] | the time, as the core counts it |
//! | [`events`] | what can be seen of the inside, for checks |
//! | [`links`] | the flags that set the times and sizes of links |
//! | [`ports`] | the flags that bound what peers may take of a port |
//! | [`tls`] | certificates and keys, as the flags name them |
//! | [`disk`] | how long a disk may take |
//! | [`descriptors`] | how many files and sockets may be open |
//!
//! What every process does, the command included, is in `process`.

pub mod clock;
pub mod descriptors;
pub mod disk;
pub mod events;
pub mod links;
pub mod ports;
pub mod shared;
pub mod tls;
