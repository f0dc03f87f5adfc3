//! What is fuzzed: a function for each target, which takes whatever bytes and panics where something is wrong.
//!
//! | target | what it reads |
//! |---|---|
//! | [`messages`] | frames of every kind of link, and the `auth` of those who connect |
//! | [`packets`] | what a server's websocket messages mean to the client end of a link |
//! | [`rows`] | what a node finds in its storage |
//! | [`bodies`] | bodies of REST requests, and records |
//! | [`state`] | the controller's file |
//! | [`core`] | schedules for nodes, controller and router |
//!
//! The same functions are run by libFuzzer (the workspace around this package) and, over the corpora that are kept, by the tests of
//! this package.

#![allow(clippy::unwrap_used, reason = "a panic here is how a finding is told")]

mod bodies;
mod core;
mod draw;
mod messages;
mod packets;
mod pieces;
mod rows;
mod state;

pub use self::bodies::bodies;
pub use self::core::core;
pub use self::messages::messages;
pub use self::packets::packets;
pub use self::rows::rows;
pub use self::state::state;

/// A target.
pub type Target = fn(&[u8]);

/// All targets, by the names of their corpora.
pub const TARGETS: [(&str, Target); 6] = [
    ("bodies", bodies),
    ("core", core),
    ("messages", messages),
    ("packets", packets),
    ("rows", rows),
    ("state", state),
];
