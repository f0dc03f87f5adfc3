//! Ports: listeners whose connections are served over HTTP/1.1, within limits.
//!
//! ```text
//!  DeadlineListener ─► Connections: is there room? ─no─► 503, and the connection ends
//!                              │ yes
//!                              ▼
//!                      TLS, if there is any ─► hyper ─► the service of this connection
//! ```
//!
//! A client may half-close its connection after its requests and still gets their answers.
//! After the last answer the connection lingers, so that the client can read it. Idle time has
//! a limit of its own.
//!
//! This crate sets up hyper itself: [`axum::serve`](axum::serve()) bounds neither the
//! connections nor the size and duration of a request's head.
//!
//! | module | owns |
//! |---|---|
//! | `serve` | [`serve()`]: accept, count, TLS, hyper, the orderly end |
//! | `connections`, `limits` | how many connections a port has, in all and by address |
//! | `cuts` | why connections were cut off, counted |
//! | `hosts` | the names under which a port is reached, against DNS rebinding |
//! | `linger`, `paced` | the end of a connection; slow readers |
//! | `unread`, `waiting` | unread bodies; the deadlines of a connection |
//! | `refusal` | the answer to one connection too many |
//! | `stream` | byte streams with deadlines; connectors, listeners, TLS |
//! | `time` | the longest time of a setting |
//!
//! # Not here
//!
//! The meaning of a request: `gateway` has the routes. The protocol of links: `link`. Its
//! handshakes come through a port of this crate.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

mod connections;
mod cuts;
mod hosts;
mod limits;
mod linger;
mod lock;
mod paced;
#[cfg(feature = "pipes")]
mod pipes;
mod port;
mod refusal;
mod serve;
mod stream;
mod time;
mod unread;
mod waiting;

pub use axum::serve::Listener;

pub use connections::{Connections, NoRoom};
pub use cuts::Cut;
pub use hosts::{HostName, Hosts, InvalidHostName, Misdirected};
pub use limits::{InvalidLimits, PortLimits};
pub use lock::lock;
#[cfg(feature = "pipes")]
pub use pipes::{Network, PipeListener, some_of};
pub use port::{Port, ServerTls};
pub use serve::serve;
pub use stream::{
    BoxStream, Connecting, Connection, Connector, Control, DeadlineListener, DeadlineStream,
    NodelayTcpListener, Stream, StreamFailure, TcpConnector, TlsConnector, nodelay,
};
pub use time::{TIME_MAX, due_after};
