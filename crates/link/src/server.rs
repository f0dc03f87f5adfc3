//! The server end: socketioxide serves the protocol, an [`Acceptor`] decides who is let in.
//!
//! ```text
//!  DeadlineListener ─► hyper ─► entrance ─► socketioxide ──CONNECT──► middleware: Acceptor::admit ─► ack ─► open
//!                                                  │ events, in order, in the task that reads
//!                                                  ▼
//!                                              LinkEnd ─► Handler          Sender ─► Outbox ─► writer ─► RawAdapter
//! ```
//!
//! What socketioxide 0.18 does and how it is met here:
//!
//! - handlers are spawned per message: ours do their work before they return a future that is ready at once, so order holds;
//! - events that arrive before a handler is registered vanish: ours are registered in the middleware;
//! - its queue cannot be waited for, and a ping into a full one closes the connection: the [`Outbox`](crate::outbox)
//!   keeps but a few frames in it;
//! - it accepts invalid handshakes, and browsers from any page: the [entrance] refuses both;
//! - its writer has no deadline, and a peer that was disconnected may stay: [`DeadlineStream`](port::DeadlineStream)
//!   ends both.

mod acceptor;
mod adapter;
mod admit;
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

/// Serves links at [`PATH`], over websockets only, to those whom `acceptor` admits.
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

/// A listener for links: besides the write deadline, each peer has the connect deadline to be let in.
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
    /// The same server, open to browsers only from pages of these hosts. A request without an
    /// `Origin` is not from a browser.
    #[must_use]
    pub fn for_pages_of(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// What serves a connection, for [`port::serve`].
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
