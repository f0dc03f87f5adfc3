//! Ports, over in-memory pipes in paused time, and over real sockets where the two differ.

mod half_closed;
mod idle;
mod limits;
mod lingering;
mod pipelines;
mod support;
