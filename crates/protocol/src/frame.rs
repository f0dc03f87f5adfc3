//! Frames: many messages as the bytes of one socket.io packet.
//!
//! A frame is the protocol's version (two bytes, big endian), followed by messages, each in
//! [postcard's wire format](https://postcard.jamesmunns.com/wire-format). Senders put many
//! messages into one frame because a packet, a task's wake-up and a system call each cost more
//! than a message.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::version::Version;
use crate::wire_format;

/// The largest frame, in bytes. A sender starts another frame before this size; a receiver drops
/// the link at a larger one.
///
/// It leaves room for a batch of messages, each with a record of the largest size.
pub const FRAME_BYTES_MAX: usize = 4 << 20;

/// The usual size at which a sender closes a frame and begins the next one, in bytes.
pub const FRAME_BYTES_FULL: usize = 1 << 20;

/// The memory reserved for a new frame, in bytes.
const FRAME_BYTES_RESERVED: usize = 8 << 10;

/// The reason for refusing bytes as a frame. The receiver drops the link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Too short for a version.
    #[error("a frame of {0} bytes holds no version")]
    Truncated(usize),
    /// The version of the frame is not the link's version of the protocol.
    #[error("a frame of protocol version {got} on a link of version {used}")]
    Version {
        /// The version of the frame.
        got: Version,
        /// The version of the link.
        used: Version,
    },
    /// Larger than [`FRAME_BYTES_MAX`].
    #[error("a frame of {0} bytes, the limit is {FRAME_BYTES_MAX}")]
    TooLong(usize),
    /// Some bytes are no message of the kind carried by this link.
    #[error("a frame holds something that is no message of this link (message {index}: {reason})")]
    Malformed {
        /// The number of well-formed messages before it.
        index: usize,
        /// The error of the decoder.
        reason: postcard::Error,
    },
}

/// A frame under construction.
#[derive(Debug)]
pub struct FrameBuilder {
    version: Version,
    bytes: BytesMut,
}

impl FrameBuilder {
    /// An empty frame, of this version of the protocol.
    pub fn new(version: Version) -> Self {
        Self { version, bytes: BytesMut::new() }
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// When the message does not serialise. This cannot happen for the types of
    /// [`message`](crate::message).
    pub fn push<M: Serialize>(&mut self, message: &M) -> Result<(), postcard::Error> {
        if self.bytes.is_empty() {
            // This reuses the memory of an earlier frame after it was dropped.
            self.bytes.reserve(FRAME_BYTES_RESERVED);
            self.bytes.put_u16(self.version.0);
        }
        wire_format::append(&mut self.bytes, message)
    }

    /// Whether the frame has no message since the start or the last [`finish`](Self::finish).
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The size of the frame so far, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The frame's bytes; the builder is empty afterwards.
    pub fn finish(&mut self) -> Bytes {
        self.bytes.split().freeze()
    }
}

/// The bytes of a frame of this version with exactly these messages.
///
/// # Errors
///
/// As [`FrameBuilder::push`].
pub fn encode<M: Serialize>(version: Version, messages: &[M]) -> Result<Bytes, postcard::Error> {
    let mut builder = FrameBuilder::new(version);
    for message in messages {
        builder.push(message)?;
    }
    Ok(builder.finish())
}

/// The messages of a frame.
///
/// # Errors
///
/// When the bytes are not a frame of this version with messages of type `M`. The bytes may come
/// from anyone.
pub fn decode<M: DeserializeOwned>(used: Version, frame: &[u8]) -> Result<Vec<M>, FrameError> {
    if frame.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(frame.len()));
    }
    let Some((version, mut rest)) = frame.split_first_chunk() else {
        return Err(FrameError::Truncated(frame.len()));
    };
    let got = Version(u16::from_be_bytes(*version));
    if got != used {
        return Err(FrameError::Version { got, used });
    }
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let malformed = |reason| FrameError::Malformed { index: messages.len(), reason };
        let (message, after) = postcard::take_from_bytes(rest).map_err(malformed)?;
        messages.push(message);
        rest = after;
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{CopyMessage, FromNode, ToNode};
    use proptest::collection::vec;
    use proptest::prelude::*;

    const USED: Version = Version(6);

    fn survives<M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
        messages: Vec<M>,
    ) -> Result<(), TestCaseError> {
        let frame = encode(USED, &messages).expect("messages serialise");
        if !messages.is_empty() {
            prop_assert_eq!(decode::<M>(USED, &frame), Ok(messages));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn messages_to_a_node_survive_a_frame(messages in vec(any::<ToNode>(), 0..8)) {
            survives(messages)?;
        }

        #[test]
        fn messages_from_a_node_survive_a_frame(messages in vec(any::<FromNode>(), 0..8)) {
            survives(messages)?;
        }

        #[test]
        fn messages_between_copies_survive_a_frame(messages in vec(any::<CopyMessage>(), 0..8)) {
            survives(messages)?;
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in vec(any::<u8>(), 0..512)) {
            let _ = decode::<ToNode>(USED, &bytes);
            let _ = decode::<FromNode>(USED, &bytes);
            let _ = decode::<CopyMessage>(USED, &bytes);
        }

        #[test]
        fn a_damaged_frame_is_an_error_or_other_messages_but_never_a_panic(
            messages in vec(any::<ToNode>(), 1..4), at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index,
        ) {
            let mut bytes = encode(USED, &messages).expect("messages serialise").to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let _ = decode::<ToNode>(USED, &bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = decode::<ToNode>(USED, &bytes);
        }
    }

    #[test]
    fn another_version_is_named_in_the_error() {
        let (seq, written) = (crate::id::Seq(7), crate::id::Seq(8));
        let mut bytes = encode(USED, &[CopyMessage::Durable { session: 1, seq, data: 1, written }])
            .expect("serialises")
            .to_vec();
        bytes[1] ^= 0x40;
        let error = decode::<CopyMessage>(USED, &bytes).expect_err("another version");
        assert_eq!(error, FrameError::Version { got: Version(USED.0 ^ 0x40), used: USED });
    }

    #[test]
    fn a_frame_without_a_version_or_over_the_limit_is_refused() {
        assert_eq!(decode::<ToNode>(USED, &[0]), Err(FrameError::Truncated(1)));
        let long = vec![0; FRAME_BYTES_MAX + 1];
        assert_eq!(decode::<ToNode>(USED, &long), Err(FrameError::TooLong(long.len())));
    }
}
