//! One event and its effects. These tests cover the guards beyond the reach of the simulation:
//! in a world with one controller and ordered links, another guard always comes first. They are
//! needed if the other guard fails one day.

#![allow(clippy::unwrap_used, reason = "these are tests throughout")]

mod alive;
mod comparing;
mod damage;
mod damage_at_gateway;
mod gateway;
mod home;
mod joining;
mod lost_data;
mod node;
mod preconditions;
mod reads;
mod router;
mod salvage;
mod shelf;
mod snapshot;
mod support;
