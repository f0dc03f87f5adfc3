//! Frames: a frame is one socket.io event with one binary attachment. It is written here, read,
//! and checked for its order.
//!
//! In the [socket.io protocol](https://socket.io/docs/v4/socket-io-protocol/) such an event is
//! a text packet `51-["frame",7,{"_placeholder":true,"num":0}]` and then a binary packet, the
//! frame itself. The 7 is the frame's number. (On the websocket, engine.io puts a `4` in front.)

use bytes::Bytes;
use serde::de::IgnoredAny;
use socketioxide_core::packet::Packet;
use socketioxide_core::{Str, Value};

use crate::reason::Violation;
use crate::wire::{FRAME_EVENT, NAMESPACE};

/// One frame of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Counts the frames of one direction of a link, from 0.
    pub(crate) number: u64,
    /// The frame itself.
    pub(crate) bytes: Bytes,
}

/// The packet of a frame.
pub(crate) fn frame_packet(frame: Frame) -> Packet {
    let event = format!(r#"["{FRAME_EVENT}",{},{{"_placeholder":true,"num":0}}]"#, frame.number);
    Packet::event(NAMESPACE, Value::Str(Str::from(event), Some([frame.bytes].into())))
}

/// The frame in the data of an event.
///
/// # Errors
///
/// When it is another event, has other arguments, or asks for an acknowledgement.
pub(crate) fn frame_of(event: Value, acknowledge: Option<i64>) -> Result<Frame, Violation> {
    let Value::Str(json, Some(mut attachments)) = event else {
        return Err(Violation::NotAFrame);
    };
    let arguments = serde_json::from_str::<(&str, u64, IgnoredAny)>(&json);
    match (arguments, attachments.pop_front(), attachments.pop_front(), acknowledge) {
        (Ok((FRAME_EVENT, number, _)), Some(bytes), None, None) => Ok(Frame { number, bytes }),
        _ => Err(Violation::NotAFrame),
    }
}

/// Ensures that no frame of a link is missing or comes twice.
///
/// TCP and websockets promise the same. But socketioxide drops a packet if it has no socket yet
/// or cannot read the packet, and closes the connection only after it has handled the packets
/// behind it.
#[derive(Debug, Default)]
pub(crate) struct FrameOrder {
    next: u64,
}

impl FrameOrder {
    /// The bytes of the frame, if it is the one due.
    ///
    /// # Errors
    ///
    /// When another frame is due.
    pub(crate) fn take(&mut self, frame: Frame) -> Result<Bytes, Violation> {
        if frame.number != self.next {
            return Err(Violation::OutOfOrder { expected: self.next, got: frame.number });
        }
        // Wraps as the sender's count does, should a link live that long.
        self.next = self.next.wrapping_add(1);
        Ok(frame.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socketioxide_core::parser::Parse;
    use socketioxide_parser_common::CommonParser;

    const BYTES: Bytes = Bytes::from_static(b"bytes");
    const FRAME_JSON: &str = r#"["frame",7,{"_placeholder":true,"num":0}]"#;

    fn event(json: &str, attachments: usize) -> Value {
        Value::Str(json.to_owned().into(), Some(vec![BYTES; attachments].into()))
    }

    #[test]
    fn a_frame_is_written_as_the_protocol_says() {
        let packet = CommonParser.encode(frame_packet(Frame { number: 7, bytes: BYTES }));
        let Value::Str(header, Some(attachments)) = packet else {
            panic!("a text with attachments");
        };
        assert_eq!(header.as_str(), r#"51-["frame",7,{"_placeholder":true,"num":0}]"#);
        assert_eq!(attachments, [BYTES]);
    }

    #[test]
    fn only_the_frame_event_with_a_number_and_one_attachment_and_no_acknowledgement_is_a_frame() {
        assert_eq!(frame_of(event(FRAME_JSON, 1), None), Ok(Frame { number: 7, bytes: BYTES }));
        for (json, attachments, acknowledge) in [
            (FRAME_JSON, 0, None),
            (FRAME_JSON, 2, None),
            (FRAME_JSON, 1, Some(7)),
            (r#"["other",7,{"_placeholder":true,"num":0}]"#, 1, None),
            (r#"["frame",{"_placeholder":true,"num":0}]"#, 1, None),
            (r#"["frame",-1,{"_placeholder":true,"num":0}]"#, 1, None),
            (r#"["frame",7,{"_placeholder":true,"num":0},8]"#, 1, None),
            (r#"{"frame":1}"#, 1, None),
            ("[]", 1, None),
            ("", 1, None),
        ] {
            let result = frame_of(event(json, attachments), acknowledge);
            assert_eq!(result, Err(Violation::NotAFrame), "{json} {attachments} {acknowledge:?}");
        }
        assert_eq!(frame_of(Value::Str(FRAME_JSON.into(), None), None), Err(Violation::NotAFrame));
    }

    #[test]
    fn a_frame_that_is_missing_or_comes_twice_is_noticed() {
        let mut order = FrameOrder::default();
        let mut take = |number| order.take(Frame { number, bytes: BYTES });
        assert_eq!((take(0), take(1)), (Ok(BYTES), Ok(BYTES)));
        assert_eq!(take(1), Err(Violation::OutOfOrder { expected: 2, got: 1 }));
        assert_eq!(take(3), Err(Violation::OutOfOrder { expected: 2, got: 3 }));
        assert_eq!(take(2), Ok(BYTES));
    }
}
