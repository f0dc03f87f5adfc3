//! The server end: socketioxide serves the protocol, an [`Acceptor`] decides about admission.
//!
//! ```text
//!  DeadlineListener ─► hyper ─► entrance ─► socketioxide ──CONNECT──► middleware: Acceptor::admit
//!                                              │                            │
//!                  events, in order, in the    │                            └─► ack ─► open
//!                  task that reads             ▼
//!                                          LinkEnd ─► Handler
//!                                          Sender ─► Outbox ─► writer ─► RawAdapter
//! ```
//!
//! The traps of socketioxide 0.18, and the answers of this module:
//!
//! - It spawns a handler for each message. Our handlers work before they return a ready future,
//!   so the order holds.
//! - Events vanish if they arrive before a handler is registered. The middleware registers
//!   ours.
//! - Its queue cannot be waited for, and a ping into a full queue closes the connection. The
//!   [`Outbox`](crate::outbox) keeps only a few frames in it.
//! - It accepts invalid handshakes, and browsers from any page. The [entrance] refuses both.
//! - Its writer has no deadline, and a disconnected peer may stay.
//!   [`DeadlineStream`](port::DeadlineStream) ends both.

mod acceptor;
mod adapter;
mod admit;
mod close_reason;
mod entrance;
#[cfg(test)]
mod leak_test;
mod link_end;
mod observer;
mod writer;

use std::fmt;

use axum::extract::ConnectInfo;
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use port::{Connection, DeadlineListener, Hosts, Listener};
use protocol::frame::FRAME_BYTES_MAX;
use socketioxide::handler::ConnectHandler;
use socketioxide::layer::SocketIoLayer;
use socketioxide::{ParserConfig, SocketIo, SocketIoBuilder, TransportType};

pub use acceptor::{Acceptor, Admission, OpenLink, OpenObserver};
use adapter::{AdapterSlot, RawAdapter};
use admit::Gate;
pub use observer::Observer;

use crate::settings::Settings;
use crate::wire::{NAMESPACE, PACKET_BYTES_MAX, PATH, READ_BUFFER_BYTES};

/// A server end that waits for connections.
#[derive(Clone)]
pub struct Server {
    layer: SocketIoLayer<RawAdapter>,
    hosts: Hosts,
}

/// Serves links at [`PATH`], over websockets only, to the peers admitted by `acceptor`.
///
/// ```no_run
/// # async fn serve<A: link::Acceptor>(acceptor: A, tcp: tokio::net::TcpListener) {
/// let settings = link::Settings::default();
/// let listener = link::listener(port::nodelay(tcp), &settings);
/// let server = link::server(acceptor, &settings);
/// let shutdown = tokio_util::sync::CancellationToken::new();
/// port::serve(listener, port::Port::default(), |connection| server.on(connection), shutdown).await
/// # }
/// ```
///
/// # Panics
///
/// When the settings are not [valid](Settings::validate).
pub fn server<A: Acceptor>(acceptor: A, settings: &Settings) -> Server {
    if let Err(error) = settings.validate() {
        panic!("{error}");
    }
    let slot = AdapterSlot::default();
    let (layer, io) = builder(settings).with_adapter::<RawAdapter>(slot.clone()).build_layer();
    let gate = Gate::new(acceptor, slot, settings);
    io.ns(NAMESPACE, admit::open.with(admit::middleware(gate)));
    Server { layer, hosts: Hosts::Any }
}

/// A listener for links. It has the write deadline, and each peer has to be admitted within the
/// connect deadline.
pub fn listener<L: Listener>(inner: L, settings: &Settings) -> DeadlineListener<L> {
    DeadlineListener::new(inner, settings.write_deadline)
        .authenticate_within(settings.connect_deadline)
}

fn builder(settings: &Settings) -> SocketIoBuilder {
    let parser = ParserConfig::common()
        .max_incoming_binaries(1)
        .max_incoming_binary_buf_size(FRAME_BYTES_MAX);
    SocketIo::builder()
        .req_path(PATH)
        .transports([TransportType::Websocket])
        .with_parser(parser)
        .connect_timeout(settings.connect_deadline)
        .ping_interval(settings.heartbeat_interval)
        .ping_timeout(settings.heartbeat_timeout)
        .max_buffer_size(settings.observer_packets_max)
        .max_payload(u64::try_from(PACKET_BYTES_MAX).unwrap_or(u64::MAX))
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .ws_max_message_size(PACKET_BYTES_MAX)
        .ws_max_frame_size(PACKET_BYTES_MAX)
}

impl Server {
    /// The same server, but a browser may connect only from pages of these hosts. A websocket
    /// handshake without an `Origin` is not from a browser.
    #[must_use]
    pub fn for_pages_of(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// The router for one connection, for [`port::serve`].
    pub fn on(&self, connection: Connection) -> Router {
        Router::new()
            .layer(self.layer.clone())
            .layer(Extension(ConnectInfo(connection)))
            .layer(from_fn_with_state(self.hosts.clone(), entrance::enter))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}
