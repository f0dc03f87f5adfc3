//! The vocabulary of Chainring: ids, user records, views, log entries, every message of its links and how
//! they become bytes.
//!
//! Everything that two processes must agree on is defined here, once, for both sides:
//!
//! | module | owns |
//! |---|---|
//! | [`id`] | names of nodes, clusters, boots, partitions, epochs, positions, requests |
//! | [`user`] | the user record, its fields' rules, partial updates |
//! | [`view`] | who may serve a partition |
//! | [`entry`] | one logged update, and the answers it leads to |
//! | [`hello`] | what a peer says of itself when it connects |
//! | [`version`] | which versions of all this a process speaks, and which one two processes use |
//! | [`precondition`] | what must hold of a record for a request to be carried out |
//! | [`refusal`] | why a peer is turned away |
//! | [`message`] | the messages of each kind of link, in both directions |
//! | [`frame`] | many messages as the bytes of one packet |
//! | [`wire_format`] | one value as bytes |
//! | [`problem`] | the stable error codes of the REST interface |
//!
//! There is no I/O here, no clock and no randomness: what the messages mean is the business of `ring`, how
//! they travel that of `link`.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

pub mod entry;
pub mod frame;
pub mod hello;
pub mod id;
pub mod message;
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
