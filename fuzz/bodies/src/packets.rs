//! Packets of a link.

use link::fuzzing::{WebsocketMessage, client_reads};

use crate::pieces::Pieces;

/// Lets the client end of a link read a server's websocket messages, texts and binaries.
pub fn packets(data: &[u8]) {
    let mut pieces = Pieces(data);
    let mut messages = Vec::new();
    while let (Some(kind), Some(piece)) = (pieces.byte(), pieces.piece()) {
        messages.push(match (kind % 2, std::str::from_utf8(piece)) {
            (0, Ok(text)) => WebsocketMessage::Text(text),
            _ => WebsocketMessage::Binary(piece),
        });
    }
    client_reads(messages);
}
