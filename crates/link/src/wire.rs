//! Wire: how a frame is one socket.io event with one binary attachment.
//!
//! In the [socket.io protocol](https://socket.io/docs/v4/socket-io-protocol/) such an event is a text packet
//! `51-["frame",{"_placeholder":true,"num":0}]` and then a binary packet, the frame itself.

use bytes::Bytes;
use protocol::frame::FRAME_BYTES_MAX;
use socketioxide_core::packet::Packet;
use socketioxide_core::parser::Parse;
use socketioxide_core::{Str, Value};
use socketioxide_parser_common::CommonParser;

use crate::reason::Violation;

/// The path on which links are served.
pub const PATH: &str = "/socket.io";

/// The name of the event that carries a frame.
pub const FRAME_EVENT: &str = "frame";

/// The most bytes of one websocket message, in either direction: a frame travels as one, and nothing else is as long.
pub(crate) const PACKET_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// How many bytes are read from a connection at once; a compromise between system calls and memory per link.
pub(crate) const READ_BUFFER_BYTES: usize = 64 << 10;

/// The namespace of every link.
pub(crate) const NAMESPACE: &str = "/";

/// [`FRAME_EVENT`] with a placeholder for the attachment, as JSON.
const FRAME_JSON: &str = r#"["frame",{"_placeholder":true,"num":0}]"#;

/// The packet that carries a frame.
pub(crate) fn frame_packet(frame: Bytes) -> Packet {
    Packet::event(NAMESPACE, Value::Str(Str::from(FRAME_JSON), Some([frame].into())))
}

/// The frame that the data of an event carries.
///
/// # Errors
///
/// When it is another event, has another number of attachments, or asks for an acknowledgement.
pub(crate) fn frame_of(event: Value, acknowledge: Option<i64>) -> Result<Bytes, Violation> {
    let name = CommonParser.read_event(&event).ok();
    if name != Some(FRAME_EVENT) || acknowledge.is_some() {
        return Err(Violation::NotAFrame);
    }
    let Value::Str(_, Some(mut attachments)) = event else {
        return Err(Violation::NotAFrame);
    };
    match (attachments.pop_front(), attachments.pop_front()) {
        (Some(frame), None) => Ok(frame),
        _ => Err(Violation::NotAFrame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str, attachments: usize) -> Value {
        Value::Str(
            json.to_owned().into(),
            Some(vec![Bytes::from_static(b"frame"); attachments].into()),
        )
    }

    #[test]
    fn a_frame_is_written_as_the_protocol_says() {
        let Value::Str(header, Some(attachments)) =
            CommonParser.encode(frame_packet(Bytes::from_static(b"bytes")))
        else {
            panic!("a text with attachments");
        };
        assert_eq!(header.as_str(), r#"51-["frame",{"_placeholder":true,"num":0}]"#);
        assert_eq!(attachments, [Bytes::from_static(b"bytes")]);
    }

    #[test]
    fn only_the_frame_event_with_one_attachment_and_no_acknowledgement_is_a_frame() {
        assert_eq!(frame_of(event(FRAME_JSON, 1), None), Ok(Bytes::from_static(b"frame")));
        for (json, attachments, acknowledge) in [
            (FRAME_JSON, 0, None),
            (FRAME_JSON, 2, None),
            (FRAME_JSON, 1, Some(7)),
            (r#"["other",{"_placeholder":true,"num":0}]"#, 1, None),
            (r#"{"frame":1}"#, 1, None),
            ("[]", 1, None),
            ("", 1, None),
        ] {
            let result = frame_of(event(json, attachments), acknowledge);
            assert_eq!(result, Err(Violation::NotAFrame), "{json} {attachments} {acknowledge:?}");
        }
        assert_eq!(frame_of(Value::Str(FRAME_JSON.into(), None), None), Err(Violation::NotAFrame));
    }
}
