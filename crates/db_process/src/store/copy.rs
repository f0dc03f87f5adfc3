//! The first byte of the keys of each copy.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use protocol::view::Member;

/// Stored: never to be renumbered.
pub(super) const fn prefix(member: Member) -> u8 {
    match member {
        Member::Home => 1,
        Member::Next => 2,
    }
}

/// A key of a copy.
pub(super) fn key(member: Member, parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = BytesMut::with_capacity(1 + length);
    key.put_u8(prefix(member));
    for part in parts {
        key.put_slice(part);
    }
    key.freeze()
}

/// All keys of a copy.
pub(super) fn all(member: Member) -> Range<[u8; 1]> {
    [prefix(member)]..[prefix(member) + 1]
}

/// The same, for a batch.
pub(super) fn keys(member: Member) -> Range<Bytes> {
    key(member, &[])..Bytes::from(vec![prefix(member) + 1])
}
