//! Packets: the meaning of the server's websocket messages in engine.io and socket.io.
//!
//! The [engine.io layer](https://socket.io/docs/v4/engine-io-protocol/) puts one character in
//! front of a text, and nothing in front of a binary message. `socketioxide-parser-common`
//! reads the [socket.io layer](https://socket.io/docs/v4/socket-io-protocol/), except for
//! `CONNECT_ERROR`: its parser is made for a server and does not read this packet.
//!
//! No input makes this module panic.

use std::time::Duration;

use protocol::frame::FRAME_BYTES_MAX;
use protocol::version::Version;
use serde::Deserialize;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParseError, ParserState};
use socketioxide_core::{Str, Value};
use socketioxide_parser_common::CommonParser;
use tokio_tungstenite::tungstenite::Message;

use crate::frame::{Frame, frame_of, frame_packet};
use crate::reason::Violation;
use crate::wire;

/// An engine.io pong.
pub(super) const PONG: &str = "3";

/// An engine.io message (`4`) with a socket.io DISCONNECT (`1`).
pub(super) const DISCONNECT: &str = "41";

/// The fields of the server's OPEN packet that a client of one transport needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Open {
    sid: String,
    ping_interval: u64,
    ping_timeout: u64,
}

impl Open {
    /// The engine.io session's id.
    pub(super) fn sid(&self) -> &str {
        &self.sid
    }

    /// How long after a ping the next ping is overdue.
    pub(super) fn silence_max(&self) -> Duration {
        Duration::from_millis(self.ping_interval.saturating_add(self.ping_timeout))
    }
}

/// The meaning of a server's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The engine.io session is open.
    Open(Open),
    /// The client has to answer with a [`PONG`].
    Ping,
    /// The server accepted the socket.io CONNECT.
    Connected,
    /// The server refused the socket.io CONNECT, with these words.
    ConnectError(String),
    /// The version of the protocol on this link.
    Version(Version),
    /// A frame.
    Frame(Frame),
    /// The server says goodbye.
    Goodbye,
    /// No meaning: the first part of a frame, or a message to ignore.
    Nothing,
}

/// Reads the messages of one server.
#[derive(Debug)]
pub(super) struct Packets {
    config: ParseConfig,
    /// The header of a frame whose attachment has not arrived.
    state: ParserState,
}

impl Packets {
    pub(super) fn new() -> Self {
        let config = ParseConfig {
            max_incoming_binary_buf_size: FRAME_BYTES_MAX,
            max_incoming_binaries: 1,
            ..ParseConfig::default()
        };
        Self { config, state: ParserState::default() }
    }

    /// Reads the meaning of one message.
    ///
    /// # Errors
    ///
    /// When it is not a packet, or not one from a server of links.
    pub(super) fn read(&self, message: Message) -> Result<Incoming, Violation> {
        match message {
            Message::Text(text) => self.read_engine_packet(&text),
            Message::Binary(bytes) => {
                self.read_packet(CommonParser.decode_bin(&self.config, &self.state, bytes))
            }
            Message::Close(_) => Ok(Incoming::Goodbye),
            // The websocket layer answers its own pings; a server of links sends none.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(Incoming::Nothing),
        }
    }

    fn read_engine_packet(&self, text: &str) -> Result<Incoming, Violation> {
        let not_a_packet =
            || Violation::NotAPacket("a text that is no engine.io packet".to_owned());
        let mut rest = text.chars();
        let kind = rest.next().ok_or_else(not_a_packet)?;
        match (kind, rest.as_str()) {
            ('0', open) => match serde_json::from_str(open) {
                Ok(open) => Ok(Incoming::Open(open)),
                Err(_) => Err(Violation::NotAPacket(
                    "an engine.io OPEN that is not understood".to_owned(),
                )),
            },
            ('1', "") => Ok(Incoming::Goodbye),
            ('2', "") => Ok(Incoming::Ping),
            ('4', packet) => self.read_text_packet(packet),
            ('6', "") => Ok(Incoming::Nothing),
            _ => Err(not_a_packet()),
        }
    }

    fn read_text_packet(&self, packet: &str) -> Result<Incoming, Violation> {
        if let Some(error) = packet.strip_prefix('4') {
            return read_connect_error(error);
        }
        let packet = Str::copy_from_slice(packet);
        self.read_packet(CommonParser.decode_str(&self.config, &self.state, packet))
    }

    fn read_packet(&self, packet: Result<Packet, ParseError>) -> Result<Incoming, Violation> {
        let packet = match packet {
            Ok(packet) => packet,
            Err(ParseError::NeedsMoreBinaryData) => return Ok(Incoming::Nothing),
            Err(ParseError::AttachmentsTooHeavy { .. }) => return Err(Violation::TooLong),
            Err(error) => {
                return Err(Violation::NotAPacket(format!("not a socket.io packet: {error}")));
            }
        };
        if packet.ns.as_str() != wire::NAMESPACE {
            return Err(Violation::Misplaced("a packet of a namespace that is not connected"));
        }
        match packet.inner {
            PacketData::Connect(_) => Ok(Incoming::Connected),
            PacketData::Disconnect => Ok(Incoming::Goodbye),
            PacketData::Event(event, acknowledge) | PacketData::BinaryEvent(event, acknowledge) => {
                match wire::version_of(&event) {
                    Some(version) if acknowledge.is_none() => Ok(Incoming::Version(version)),
                    _ => frame_of(event, acknowledge).map(Incoming::Frame),
                }
            }
            PacketData::EventAck(..) | PacketData::BinaryAck(..) => {
                Err(Violation::Misplaced("an acknowledgement that was not asked for"))
            }
            PacketData::ConnectError(message) => Ok(Incoming::ConnectError(message)),
        }
    }
}

/// Reads the JSON after the `4` of a CONNECT_ERROR packet to the main namespace: an object with
/// a `message`.
fn read_connect_error(json: &str) -> Result<Incoming, Violation> {
    #[derive(Deserialize)]
    struct Error {
        message: String,
    }
    match serde_json::from_str::<Error>(json) {
        Ok(error) => Ok(Incoming::ConnectError(error.message)),
        Err(_) => Err(Violation::NotAPacket(
            "a socket.io CONNECT_ERROR that is not understood".to_owned(),
        )),
    }
}

/// The websocket messages of one frame: the header, then the attachment.
pub(super) fn frame_messages(frame: Frame) -> impl Iterator<Item = Message> {
    let Value::Str(header, attachments) = CommonParser.encode(frame_packet(frame)) else {
        unreachable!("the common parser writes text");
    };
    let header = Message::text(format!("4{header}"));
    std::iter::once(header).chain(attachments.into_iter().flatten().map(Message::Binary))
}

/// The CONNECT message: the client's request for admission.
pub(super) fn connect_message(auth: String) -> Message {
    let packet = Packet::connect(wire::NAMESPACE, Some(Value::Str(Str::from(auth), None)));
    let Value::Str(packet, _) = CommonParser.encode(packet) else {
        unreachable!("the common parser writes text");
    };
    Message::text(format!("4{packet}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Incoming, Violation> {
        Packets::new().read(Message::text(text))
    }

    #[test]
    fn what_a_server_says_is_understood() {
        let open =
            r#"0{"sid":"s1","upgrades":[],"pingInterval":500,"pingTimeout":1000,"maxPayload":1}"#;
        let Ok(Incoming::Open(open)) = read(open) else { panic!("an OPEN") };
        assert_eq!((open.sid(), open.silence_max()), ("s1", Duration::from_millis(1500)));
        assert_eq!(read("2"), Ok(Incoming::Ping));
        assert_eq!(read(r#"40{"sid":"s2"}"#), Ok(Incoming::Connected));
        assert_eq!(
            read(r#"44{"message":"a \"b\": c"}"#),
            Ok(Incoming::ConnectError("a \"b\": c".to_owned()))
        );
        assert_eq!(read(r#"42["protocol",6]"#), Ok(Incoming::Version(Version(6))));
        assert_eq!(read("41"), Ok(Incoming::Goodbye));
        assert_eq!(read("1"), Ok(Incoming::Goodbye));
        assert_eq!(read("6"), Ok(Incoming::Nothing));
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let packets = Packets::new();
        let frame = Frame { number: 7, bytes: Bytes::from_static(b"frame") };
        let messages = frame_messages(frame.clone());
        let read: Vec<_> = messages.map(|message| packets.read(message)).collect();
        assert_eq!(read, [Ok(Incoming::Nothing), Ok(Incoming::Frame(frame))]);
    }

    #[test]
    fn what_no_server_of_links_says_is_a_violation() {
        for text in [
            "",
            "x",
            "é",
            "3",
            "2probe",
            "5",
            "4",
            "4x",
            "0{}",
            "44",
            "44[]",
            "42[\"other\"]",
            "42[\"protocol\",65535]",
            "421[\"protocol\",6]",
            "431[]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("40/admin,").is_err(), "another namespace");
        assert!(Packets::new().read(Message::binary("no header before it")).is_err());
        assert!(read("50-[\"frame\",7]").is_err(), "no attachment");
        assert!(read("52-[\"frame\",7]").is_err(), "two attachments");
    }

    #[test]
    fn a_text_between_header_and_attachment_is_a_violation() {
        let packets = Packets::new();
        let header = Message::text(r#"451-["frame",7,{"_placeholder":true,"num":0}]"#);
        assert_eq!(packets.read(header.clone()), Ok(Incoming::Nothing));
        assert_eq!(
            packets.read(Message::text("2")),
            Ok(Incoming::Ping),
            "engine.io's own are no part of it"
        );
        assert!(packets.read(header).is_err());
    }

    fn anything() -> impl Strategy<Value = Message> {
        let near_text = "[0-6]{0,3}-?[/a,]{0,3}[0-9]{0,2}[\\[{\"frameé:,0}\\]]{0,12}";
        prop_oneof![
            any::<String>().prop_map(Message::text),
            near_text.prop_map(Message::text),
            Just(Message::text(r#"451-["frame",7,{"_placeholder":true,"num":0}]"#)),
            vec(any::<u8>(), 0..64).prop_map(Message::binary),
            vec(any::<u8>(), 0..64).prop_map(|bytes| Message::Ping(bytes.into())),
            Just(Message::Close(None)),
        ]
    }

    proptest! {
        #[test]
        fn no_messages_make_the_reader_panic(messages in vec(anything(), 0..12)) {
            let packets = Packets::new();
            for message in messages {
                let _ = packets.read(message);
            }
        }
    }
}
