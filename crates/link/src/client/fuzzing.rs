//! The client end's reading of a server's messages, without a connection: for fuzzers.

use bytes::Bytes;
use protocol::frame;
use protocol::message::ToNode;
use protocol::version::Versions;
use tokio_tungstenite::tungstenite::Message;

use super::handshake::refused;
use super::packets::{Incoming, Packets, frame_messages};
use crate::frame::FrameOrder;

/// A websocket message of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebsocketMessage<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// Reads messages as a client end does, until one is a violation.
///
/// # Panics
///
/// When a frame is not the same after a round trip: read, encoded by the client, and read
/// again. This is a bug in this crate.
pub fn client_reads<'a>(messages: impl IntoIterator<Item = WebsocketMessage<'a>>) {
    let (packets, mut order) = (Packets::new(), FrameOrder::default());
    for message in messages {
        let message = match message {
            WebsocketMessage::Text(text) => Message::text(text),
            WebsocketMessage::Binary(bytes) => Message::binary(Bytes::copy_from_slice(bytes)),
        };
        let Ok(incoming) = packets.read(message) else { return };
        match incoming {
            Incoming::Frame(frame) => {
                let again = Packets::new();
                let read = frame_messages(frame.clone()).map(|message| again.read(message)).last();
                assert_eq!(read, Some(Ok(Incoming::Frame(frame.clone()))));
                let Ok(bytes) = order.take(frame) else { return };
                let _ = frame::decode::<ToNode>(Versions::SPOKEN.highest, &bytes);
            }
            Incoming::ConnectError(words) => drop(refused(words)),
            Incoming::Open(open) => drop(open.silence_max()),
            _ => {}
        }
    }
}
