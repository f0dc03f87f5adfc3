//! A port: its limits, its TLS and its counters.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::connections::Connections;
use crate::limits::PortLimits;

/// The TLS of a port, if it has any. Each connection uses the configuration at the start of its
/// handshake.
pub type ServerTls = Option<watch::Receiver<TlsAcceptor>>;

/// A port, while it is open.
#[derive(Clone, Default)]
pub struct Port {
    /// The limits for its peers.
    pub limits: PortLimits,
    /// Its TLS.
    pub tls: ServerTls,
    /// Counts its connections.
    pub connections: Arc<Connections>,
}

impl Port {
    /// A port without connections.
    pub fn new(limits: PortLimits, tls: ServerTls) -> Self {
        Self { limits, tls, ..Self::default() }
    }
}
