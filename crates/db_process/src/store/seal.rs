//! Seals: the version and the checksum around every stored value.
//!
//! ```text
//!   1 byte    4 bytes                       the rest
//!   version   CRC-32C of version and rest   payload
//! ```
//!
//! RocksDB has checksums of its own. These also cover the way between us and RocksDB, and stay
//! with the value on its move to another storage.

use bytes::{BufMut, Bytes, BytesMut};
use protocol::wire_format;
use serde::Serialize;

/// The version written by this release. Older releases refuse newer versions.
const VERSION: u8 = 2;

/// The previous version; its checksum did not cover the version.
const FIRST_VERSION: u8 = 1;

const HEADER_BYTES: usize = 5;

/// Why a stored value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is shorter than any value.
    #[error("the stored value is damaged: it has only {0} bytes")]
    Truncated(usize),
    /// Another release wrote it.
    #[error(
        "the stored value has version {0}, this release knows version {VERSION}: run the release that wrote it, or a newer one"
    )]
    Version(u8),
    /// Its bytes differ from the written bytes.
    #[error("the stored value is damaged: its checksum is wrong")]
    Checksum,
    /// Its checksum is right, but its content makes no sense.
    #[error("the stored value is not understood: {0}")]
    Malformed(String),
}

impl SealError {
    /// Whether the value is damaged. A value of another release is not.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Truncated(_) | Self::Checksum | Self::Malformed(_) => true,
            Self::Version(_) => false,
        }
    }
}

/// A value under construction: the payload grows behind the header.
pub(super) struct Sealer(BytesMut);

impl Sealer {
    pub(super) fn with_capacity(payload_bytes: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + payload_bytes);
        bytes.put_bytes(0, HEADER_BYTES);
        Self(bytes)
    }

    pub(super) fn put(&mut self, payload: &[u8]) {
        self.0.put_slice(payload);
    }

    /// Appends a value to the payload.
    ///
    /// # Panics
    ///
    /// When the value does not serialise; an entry and its parts always do.
    pub(super) fn append<T: Serialize>(&mut self, value: &T) {
        wire_format::append(&mut self.0, value)
            .unwrap_or_else(|error| unreachable!("a row's value always serialises: {error}"));
    }

    pub(super) fn seal(mut self) -> Bytes {
        if let Some((header, payload)) = self.0.split_first_chunk_mut::<HEADER_BYTES>() {
            let [c0, c1, c2, c3] = checksum(VERSION, payload).to_be_bytes();
            *header = [VERSION, c0, c1, c2, c3];
        }
        self.0.freeze()
    }
}

/// Seals a payload.
pub(super) fn seal(payload: &[u8]) -> Bytes {
    let mut sealer = Sealer::with_capacity(payload.len());
    sealer.put(payload);
    sealer.seal()
}

/// The payload of a sealed value.
pub(super) fn open(value: &Bytes) -> Result<Bytes, SealError> {
    let Some(([version, sum @ ..], payload)) = value.split_first_chunk::<HEADER_BYTES>() else {
        return Err(SealError::Truncated(value.len()));
    };
    // A damaged version must count as damage, not as the version of another release.
    if *version != FIRST_VERSION && u32::from_be_bytes(*sum) != checksum(*version, payload) {
        return Err(SealError::Checksum);
    }
    if *version != VERSION {
        return Err(SealError::Version(*version));
    }
    Ok(value.slice(HEADER_BYTES..))
}

fn checksum(version: u8, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&[version]), payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_payload_survives_its_seal(payload in vec(any::<u8>(), 0..256)) {
            prop_assert_eq!(open(&seal(&payload)).expect("whole"), payload);
        }

        #[test]
        fn any_changed_bit_is_noticed(payload in vec(any::<u8>(), 0..64), at: prop::sample::Index, bit in 0_u8..8) {
            let mut damaged = seal(&payload).to_vec();
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
            prop_assert!(open(&damaged.into()).expect_err("damaged").is_damage());
        }

        #[test]
        fn a_value_of_another_release_is_no_damage(payload in vec(any::<u8>(), 0..64), version in 3_u8..) {
            let [c0, c1, c2, c3] = checksum(version, &payload).to_be_bytes();
            let value = [&[version, c0, c1, c2, c3][..], &payload].concat();
            prop_assert_eq!(open(&value.into()), Err(SealError::Version(version)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..32)) {
            let _ = open(&bytes.into());
        }
    }
}
