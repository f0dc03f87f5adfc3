//! Links end to end: both ends of this crate against each other, and each against peers that misbehave.
//!
//! Most run over in-memory pipes and in paused time, so that a deadline of seconds takes none; `tcp` runs the same over
//! real sockets and real threads.

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
