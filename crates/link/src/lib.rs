//! Links: lasting, ordered, authenticated streams of typed messages between two processes, over
//! socket.io.
//!
//! A link carries [frames](protocol::frame) in both directions. The caller chooses the types of
//! the messages. The two ends open in different ways, and work alike from then on: a [`Sender`]
//! sends messages; a [`Handler`] receives the peer's messages and the reason of the close.
//!
//! ```text
//!      client end (connect, dial)                              server end (server)
//!
//!  Sender ─► Outbox ─┐                                                   ┌─ Outbox ◄─ Sender
//!                    ▼                                                   ▼
//!                one task: ──── frames ──►                          writer task
//!          writer ┐                        engineioxide's two            │
//!          reader ┘        ◄── pings ────  tasks, and its heart-   ◄─────┘
//!            │             ─── pongs ──►   beat; socketioxide
//!            ▼                                      │
//!         Handler                                   └─► LinkEnd ─► Handler
//!            ▲                                                       ▲
//!            └─ DeadlineStream ═══════ any byte stream ═══════ DeadlineStream
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `client` | the client end: handshake, packets of the server, the task |
//! | `server` | the server end: admission, socketioxide and its traps, observers |
//! | `outbox` | the messages waiting on one link, their bound, the end of the link |
//! | `sender` | [`Sender`] and [`Handler`] |
//! | `wire` | the encoding of a frame as a socket.io packet |
//! | `reason` | why a link is closed |
//! | `settings`, `backoff` | times and sizes; the delay before another attempt |
//!
//! # Invariants
//!
//! - **Order.** Messages arrive in the order of sending, none twice. None is skipped: after a
//!   message that cannot be delivered, a link delivers no later one. Frames are numbered, so
//!   the receiver can check the order.
//! - **One end.** A handler learns once why its link is closed, and hears nothing afterwards.
//!   The first reason counts, for every sender too.
//! - **No waiting.** Sending never blocks. The queue of a link is bounded; over the bound the
//!   link closes.
//! - **No endless waiting.** Each end notices a dead peer within [`Settings::detection`], a
//!   peer that does not read within the write deadline, and a peer that does not identify
//!   itself within the connect deadline.
//! - **No trust.** No input from a peer causes a panic. Its worst effect on others is the close
//!   of its own link.
//! - **No traces.** After a connection has ended, nothing of it stays in memory.
//! - **No secrets in the log.** Links log neither `auth` nor messages, nor any other bytes of a
//!   peer. (The `tungstenite` crate logs both at TRACE: keep its target off in production.)
//!
//! # What is not here
//!
//! The crate `port` has connections, their limits and their deadlines. `ring` and the two
//! services know the meaning of messages; they decide about admission, and when to connect
//! again. [`protocol`] has the form of a message. There is no randomness: the caller passes the
//! jitter. The one clock is tokio's, and a simulation can pause it; a simulation runs
//! everything here over its own streams.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

mod backoff;
mod client;
mod frame;
mod log;
mod outbox;
mod reason;
mod sender;
mod server;
mod settings;
mod wire;

pub use backoff::Backoff;
#[cfg(feature = "fuzzing")]
pub use client::fuzzing;
pub use client::{ConnectError, Opening, connect, dial};
pub use outbox::Hold;
pub use reason::{CloseReason, Closed, Lost, Unsendable, Violation};
pub use sender::{Handler, Sender};
pub use server::{Acceptor, Admission, Observer, OpenLink, OpenObserver, Server, listener, server};
pub use settings::{InvalidSettings, Settings};
pub use wire::{FRAME_EVENT, PATH};
