//! Connectors: how a client end gets a byte stream to an address. Production dials TCP; the
//! simulation has a connector of its own.

use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use super::race::race;

/// Any byte stream fit for a link.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A byte stream of any kind.
pub type BoxStream = Box<dyn Stream>;

/// An attempt to connect, under way.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send + 'a>>;

/// Connects byte streams.
///
/// A connector has no deadline. Its caller sets one, as `dial` of the crate `link` does.
pub trait Connector: Send + Sync + 'static {
    /// Connects to `address`, in the form `host:port`.
    ///
    /// # Errors
    ///
    /// When the address cannot be resolved, or nothing answers there.
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a>;
}

/// Connects over TCP, with `TCP_NODELAY` set, because the layers above make batches. If a name
/// has several addresses, it tries all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let stream = race(lookup_host(address).await?, TcpStream::connect).await?;
            stream.set_nodelay(true)?;
            Ok::<BoxStream, _>(Box::new(stream))
        })
    }
}
