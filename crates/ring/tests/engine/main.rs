//! One event, and what comes of it: the guards that no schedule of the simulation can reach, because another guard comes
//! first in a world with one controller and ordered links. They are there for the day when that other one fails.

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
mod snapshot;
mod support;
