//! The client end: dials, says hello, and keeps the link until it closes.
//!
//! ```text
//!  connect ──► websocket handshake ──► engine.io OPEN ──► socket.io CONNECT(hello)
//!                                                          │
//!                      connect_error: Refused ◄────────────┤
//!                                                          ▼
//!                                       Opening ──open(handler)──► task
//! ```

mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handshake;
mod opening;
mod packets;
mod session;
mod task;

use std::time::Duration;

use port::{BoxStream, Connector, DeadlineStream, Stream};
use protocol::frame::FRAME_BYTES_MAX;
use serde::Serialize;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub use error::ConnectError;
pub use opening::Opening;

use crate::settings::Settings;
use crate::wire::{PACKET_BYTES_MAX, READ_BUFFER_BYTES};

/// The websocket of a client end.
type WebSocket = WebSocketStream<DeadlineStream<BoxStream>>;

/// Opens a link over `stream`, within the connect deadline.
///
/// `hello` becomes the `auth` of the socket.io CONNECT packet, as JSON.
///
/// # Errors
///
/// When the peer refuses, does not answer in time, is not a server of links, or goes away.
/// [`ConnectError`] has a variant for each way to react.
pub async fn connect<S, Out, In>(
    stream: S,
    hello: &impl Serialize,
    settings: &Settings,
) -> Result<Opening<Out, In>, ConnectError>
where
    S: Stream,
{
    let auth = serde_json::to_string(hello).map_err(ConnectError::Hello)?;
    within(settings.connect_deadline, handshake::shake_hands(Box::new(stream), auth, settings))
        .await
}

/// Connects a stream to `address` and opens a link over it, both within the connect deadline.
///
/// # Errors
///
/// As [`connect`], and when the address cannot be reached.
pub async fn dial<Out, In>(
    connector: &dyn Connector,
    address: &str,
    hello: &impl Serialize,
    settings: &Settings,
) -> Result<Opening<Out, In>, ConnectError> {
    let auth = serde_json::to_string(hello).map_err(ConnectError::Hello)?;
    let opening = async {
        let stream = connector.connect(address).await.map_err(ConnectError::Unreachable)?;
        handshake::shake_hands(stream, auth, settings).await
    };
    within(settings.connect_deadline, opening).await
}

async fn within<T>(
    deadline: Duration,
    attempt: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(deadline, attempt).await.unwrap_or(Err(ConnectError::TimedOut(deadline)))
}

fn websocket_config() -> WebSocketConfig {
    const { assert!(PACKET_BYTES_MAX >= FRAME_BYTES_MAX) };
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(PACKET_BYTES_MAX))
        .max_frame_size(Some(PACKET_BYTES_MAX))
}
