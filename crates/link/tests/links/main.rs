//! Links end to end: both ends of this crate against each other, and each against misbehaving
//! peers.
//!
//! Most tests run over in-memory pipes and in paused time, so a deadline of seconds takes no
//! time. `tcp` runs some of them over real sockets and real threads.

mod closing;
mod garbage;
mod handshakes;
mod heartbeats;
mod observers;
mod order;
mod places;
mod refusals;
mod stalls;
mod support;
mod tcp;
mod violations;
