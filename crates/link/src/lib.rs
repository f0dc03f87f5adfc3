//! Links: lasting, ordered, authenticated streams of typed messages between two processes, over socket.io.
//!
//! A link carries [frames](protocol::frame) of messages of the caller's types, both ways. Its two ends differ in how they
//! come about, and are the same from then on: a [`Sender`] to send with, a [`Handler`] that takes what arrives and is told
//! of the end.
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
//! | `server` | the server end: who is let in, socketioxide and its traps, observers |
//! | `outbox` | what waits to be sent, its bound, the one end of a link |
//! | `sender` | [`Sender`] and [`Handler`] |
//! | `wire` | how a frame is a socket.io packet |
//! | `reason` | why a link is closed |
//! | `settings`, `backoff` | times and sizes; the wait before another attempt |
//!
//! # Invariants
//!
//! - **Order.** Messages arrive in the order in which they were sent, none twice. None is skipped: a link that cannot
//!   deliver a message delivers no later one. Frames are numbered, so that this is checked and not just hoped for.
//! - **One end.** A handler is told once why its link is closed, and of nothing after that; the first reason counts, on
//!   every sender too.
//! - **No waiting.** Sending never blocks. What waits to be sent is bounded; over the bound the link closes.
//! - **No waiting for ever.** Within [`Settings::detection`] a dead peer is noticed on either end, within the write
//!   deadline one that does not read, and within the connect deadline one that does not say who it is.
//! - **No trust.** Whatever a peer sends, there is no panic, and the worst for others is that its link closes.
//! - **No traces.** Of a connection that has ended nothing stays.
//! - **No secrets in the log.** Neither `auth` nor any message is logged, nor what a peer sent that was neither. (What
//!   the `tungstenite` crate logs at TRACE does hold both: keep that target off in production.)
//!
//! # What is not here
//!
//! Connections, their limits and deadlines: those are `port`'s. What messages mean, who is admitted and why, when to connect again: that is for `ring` and the two services. What a
//! message looks like is in [`protocol`]. There is no randomness: jitter is handed in. The one clock is tokio's, which a
//! simulation can pause; it drives everything here over streams of its own.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

mod backoff;
mod client;
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
