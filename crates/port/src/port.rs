//! A port: its limits, its TLS and its counters.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::connections::Connections;
use crate::limits::PortLimits;

/// The configuration and the counters of a port.
#[derive(Clone, Default)]
pub struct Port {
    /// The limits for its peers.
    pub limits: PortLimits,
    /// TLS, if there is any. Each connection uses the configuration at the start of its
    /// handshake.
    pub tls: Option<watch::Receiver<TlsAcceptor>>,
    /// Counts its connections.
    pub connections: Arc<Connections>,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, tls, connections } = self;
        f.debug_struct("Port")
            .field("limits", limits)
            .field("tls", &tls.is_some())
            .field("connections", connections)
            .finish()
    }
}
