//! The vocabulary of Chainring: ids, user records, views, log entries, the messages of every
//! link, and their form as bytes.
//!
//! Two processes must agree on all of this, so it is defined here, once, for both sides:
//!
//! | module | owns |
//! |---|---|
//! | [`id`] | names of nodes, clusters, boots, partitions, epochs, positions, requests |
//! | [`user`] | the user record, its fields' rules, partial updates |
//! | [`view`] | the copies of a partition in sync, and so its servers |
//! | [`entry`] | one logged update, and the answer to it |
//! | [`hello`] | a peer's description of itself when it connects |
//! | [`version`] | the versions of the protocol, and the choice of one for two processes |
//! | [`precondition`] | the condition on a record under which a request is carried out |
//! | [`refusal`] | the reason for turning a peer away |
//! | [`message`] | the messages of each kind of link, in both directions |
//! | [`frame`] | many messages as the bytes of one packet |
//! | [`wire_format`] | one value as bytes |
//! | [`problem`] | the stable error codes of the REST interface |
//!
//! There is no I/O here, no clock and no randomness. The crate `ring` gives the messages their
//! meaning; the crate `link` transports them.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

pub mod entry;
pub mod frame;
pub mod hello;
pub mod id;
pub mod message;
#[cfg(feature = "openapi")]
mod openapi;
pub mod precondition;
pub mod problem;
pub mod refusal;
pub mod salvage;
pub mod user;
pub mod version;
pub mod view;
pub mod wire_format;

#[cfg(any(test, feature = "arbitrary"))]
mod arbitrary;
#[cfg(test)]
mod survival;
