//! Links.
mod backoff;
mod client;
mod lock;
mod log;
mod outbox;
mod reason;
mod sender;
mod server;
mod settings;
mod stream;
mod wire;

pub use backoff::Backoff;
pub use client::{ConnectError, Opening, connect, dial};
pub use reason::{CloseReason, Closed, Lost, Unsendable, Violation};
pub use sender::{Handler, Sender};
pub use server::{
    Acceptor, Admission, OBSERVER_PACKETS_MAX, Observer, OpenLink, OpenObserver, Server, server,
};
pub use settings::{InvalidSettings, Settings};
pub use stream::{
    BoxStream, Connecting, Connection, Connector, DeadlineListener, DeadlineStream,
    NodelayTcpListener, Stream, TcpConnector, nodelay,
};
pub use wire::{FRAME_EVENT, PATH};
