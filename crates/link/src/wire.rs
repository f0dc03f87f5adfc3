//! Wire: the names and limits of a link's packets, and the packet with the version of the
//! protocol.
//!
//! Before its first frame, a server end names the version of the protocol on this link:
//! `2["protocol",6]`.

use protocol::frame::FRAME_BYTES_MAX;
use protocol::version::{Version, Versions};
use socketioxide_core::packet::Packet;
use socketioxide_core::{Str, Value};

/// The HTTP path of links.
pub const PATH: &str = "/socket.io";

/// The name of the event that carries a frame. The frame's number follows it.
pub const FRAME_EVENT: &str = "frame";

/// The name of the event with the version of the protocol.
const VERSION_EVENT: &str = "protocol";

/// The most bytes of one websocket message, in either direction: a frame travels as one
/// message, and no other message is as long.
pub(crate) const PACKET_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// How many bytes one read takes from a connection. Most frames of a busy link fit. The
/// websocket layer fills the whole buffer with zeros before each read, and takes a new one for
/// each frame still in use.
pub(crate) const READ_BUFFER_BYTES: usize = 8 << 10;

/// The namespace of every link.
pub(crate) const NAMESPACE: &str = "/";

/// The packet with the link's version of the protocol.
pub(crate) fn version_packet(version: Version) -> Packet {
    let event = format!(r#"["{VERSION_EVENT}",{version}]"#);
    Packet::event(NAMESPACE, Value::Str(Str::from(event), None))
}

/// The version named in an event, if this process speaks it.
pub(crate) fn version_of(event: &Value) -> Option<Version> {
    let Value::Str(json, attachments) = event else { return None };
    if attachments.as_ref().is_some_and(|attachments| !attachments.is_empty()) {
        return None;
    }
    match serde_json::from_str::<(&str, Version)>(json) {
        Ok((VERSION_EVENT, version)) => Some(version).filter(|v| Versions::SPOKEN.include(*v)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socketioxide_core::parser::Parse;
    use socketioxide_parser_common::CommonParser;

    #[test]
    fn a_version_is_read_as_it_is_written_if_this_process_speaks_it() {
        let version = Versions::SPOKEN.lowest;
        let Value::Str(packet, None) = CommonParser.encode(version_packet(version)) else {
            panic!("a text");
        };
        assert_eq!(packet.as_str(), format!(r#"2["protocol",{version}]"#));
        let read = |json: &str| version_of(&Value::Str(json.to_owned().into(), None));
        assert_eq!(read(&packet[1..]), Some(version));
        for other in [r#"["protocol",65535]"#, r#"["protocol"]"#, r#"["frame",6]"#, "[]"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
