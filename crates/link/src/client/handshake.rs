//! Handshake: from a connected byte stream to an admitted socket.io session.

use futures_util::{SinkExt, StreamExt};
use port::{BoxStream, DeadlineStream};
use protocol::refusal::Refusal;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;

use super::error::ConnectError;
use super::opening::Opening;
use super::packets::{Incoming, PONG, Packets, connect_message};
use super::session::Session;
use super::{WebSocket, websocket_config};
use crate::outbox::Outbox;
use crate::reason::Violation;
use crate::settings::Settings;

/// The URL of the handshake. The host is only a name, because the stream is already connected.
const URL: &str = "ws://chainring/socket.io/?EIO=4&transport=websocket";

/// Opens a link over `stream`; `auth` is JSON. Only writes have a deadline here.
///
/// # Errors
///
/// As [`connect`](super::connect), except for the deadline.
pub(super) async fn shake_hands<Out, In>(
    stream: BoxStream,
    auth: String,
    settings: &Settings,
) -> Result<Opening<Out, In>, ConnectError> {
    let stream = DeadlineStream::new(stream, settings.write_deadline);
    let control = stream.control();
    let (mut websocket, _response) =
        client_async_with_config(URL, stream, Some(websocket_config())).await?;
    let packets = Packets::new();
    let Incoming::Open(open) = next(&mut websocket, &packets).await? else {
        return Err(Violation::Misplaced("a packet before the engine.io OPEN").into());
    };
    websocket.send(connect_message(auth)).await?;
    let mut is_admitted = false;
    let version = loop {
        match next(&mut websocket, &packets).await? {
            Incoming::Connected if !is_admitted => is_admitted = true,
            Incoming::Version(version) if is_admitted => break version,
            Incoming::ConnectError(words) => return Err(refused(words)),
            Incoming::Ping => websocket.send(Message::text(PONG)).await?,
            Incoming::Goodbye => return Err(ConnectError::Ended("closed by the peer".to_owned())),
            Incoming::Nothing => {}
            Incoming::Open(_) | Incoming::Connected | Incoming::Version(_) | Incoming::Frame(_) => {
                return Err(Violation::Misplaced(
                    "a packet that has no place before the protocol's version is named",
                )
                .into());
            }
        }
    };
    let outbox = Outbox::new(settings, version);
    let session = Session { websocket, control, packets, open, version };
    Ok(Opening::new(session, outbox, settings.clone()))
}

async fn next(websocket: &mut WebSocket, packets: &Packets) -> Result<Incoming, ConnectError> {
    match websocket.next().await {
        Some(message) => Ok(packets.read(message?)?),
        None => Err(ConnectError::Ended("closed by the peer".to_owned())),
    }
}

pub(super) fn refused(words: String) -> ConnectError {
    match words.parse::<Refusal>() {
        Ok(refusal) => ConnectError::Refused(refusal),
        Err(_) => ConnectError::Foreign(format!("it turned the connection down with {words:?}")),
    }
}
