//! Dialling with TLS.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connector::{BoxStream, Connecting, Connector, TcpConnector};

/// Connects over TCP and TLS. The peer's certificate must be for the host in the dialled
/// address.
#[derive(Clone)]
pub struct TlsConnector(watch::Receiver<Arc<ClientConfig>>);

impl TlsConnector {
    /// Each dial takes the trusted authorities and the own certificate from the `config` of
    /// that moment.
    pub fn new(config: watch::Receiver<Arc<ClientConfig>>) -> Self {
        Self(config)
    }
}

impl Connector for TlsConnector {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let host = host_of(address)?;
            let stream = TcpConnector.connect(address).await?;
            let tls = tokio_rustls::TlsConnector::from(Arc::clone(&self.0.borrow()));
            Ok::<BoxStream, _>(Box::new(tls.connect(host, stream).await?))
        })
    }
}

/// The host of `host:port`. An IPv6 address is in brackets.
fn host_of(address: &str) -> io::Result<ServerName<'static>> {
    let invalid = || {
        let detail = format!("{address:?} names no host that a certificate could be for");
        io::Error::new(io::ErrorKind::InvalidInput, detail)
    };
    let (host, _port) = address.rsplit_once(':').ok_or_else(invalid)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (address, host) in [
            ("db-1.example:3002", "db-1.example"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:1", "::1"),
        ] {
            assert_eq!(host_of(address).unwrap().to_str(), host);
        }
        for address in ["", "host", ":1", "a b:1"] {
            assert!(host_of(address).is_err(), "{address}");
        }
    }
}
