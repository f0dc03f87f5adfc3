//! The fuzz targets. Each is a function: it takes any bytes, and panics where something is
//! wrong.
//!
//! | target | reads |
//! |---|---|
//! | [`messages`](fn@messages) | frames of every kind of link, and the `auth` of a peer |
//! | [`packets`](fn@packets) | a server's websocket messages, at the client end of a link |
//! | [`rows`](fn@rows) | the rows in a node's storage |
//! | [`bodies`](fn@bodies) | bodies of REST requests, and records |
//! | [`state`](fn@state) | the controller's file |
//! | [`core`](fn@core) | schedules for nodes, controller and router |
//!
//! libFuzzer runs these functions (in the workspace around this package). The tests of this
//! package run them too, over the stored corpora.

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

/// A fuzz target. It panics if it finds a defect.
pub type Target = fn(&[u8]);

/// All targets, each with the name of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("bodies", bodies),
    ("core", core),
    ("messages", messages),
    ("packets", packets),
    ("rows", rows),
    ("state", state),
];
