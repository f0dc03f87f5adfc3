//! The beginning of the keys of each copy: its partition and its member.
//!
//! ```text
//!   1 bit, set | partition, 15 bits | member, 1 byte | the rest of the key
//! ```
//!
//! The bit keeps these keys apart from those of older formats, and from the names of the node's
//! own rows, which are text. So a node may hold any number of copies.

use std::fmt;
use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use protocol::hello::Membership;
use protocol::id::{NodeId, PartitionId};
use protocol::view::Member;
use ring_core::placement::Ring;

use super::error::StoreError;

/// The length of the beginning, in bytes.
const PREFIX_BYTES: usize = 3;

/// Set in the first two bytes.
const OF_A_COPY: u16 = 1 << 15;

/// A copy of a partition, as the beginning of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredCopy {
    pub(super) partition: PartitionId,
    pub(super) member: Member,
}

impl StoredCopy {
    /// A key of the copy.
    pub(super) fn key(self, parts: &[&[u8]]) -> Bytes {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut key = BytesMut::with_capacity(PREFIX_BYTES + length);
        key.put_slice(&self.prefix());
        for part in parts {
            key.put_slice(part);
        }
        key.freeze()
    }

    /// All keys of the copy.
    pub(super) fn keys(self) -> Range<Bytes> {
        let [partition @ .., member] = self.prefix();
        let end = [&partition[..], &[member + 1]].concat();
        self.key(&[])..Bytes::from(end)
    }

    fn prefix(self) -> [u8; PREFIX_BYTES] {
        let [high, low] = (OF_A_COPY | self.partition.0).to_be_bytes();
        // Stored: never to be renumbered.
        let member = match self.member {
            Member::Home => 1,
            Member::Next => 2,
        };
        [high, low, member]
    }
}

/// The copy's name in errors. A node has one copy for each member today.
impl fmt::Display for StoredCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.member.fmt(f)
    }
}

/// The part of a key behind its beginning.
pub(super) fn rest(key: &[u8]) -> &[u8] {
    key.get(PREFIX_BYTES..).unwrap_or_default()
}

/// The two copies of a node in a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copies {
    home: StoredCopy,
    next: StoredCopy,
}

impl Copies {
    /// The copies of a node, by its place in the ring.
    ///
    /// # Errors
    ///
    /// When the membership is not of a ring with this node.
    pub(super) fn of(node: &NodeId, membership: &Membership) -> Result<Self, StoreError> {
        let ring = Ring::new(membership.ring.clone())
            .map_err(|error| StoreError::Inconsistent(format!("the ring: {error}")))?;
        let place = ring.place_of(node).ok_or_else(|| {
            StoreError::Inconsistent(format!("the ring of the data has no node {node}"))
        })?;
        let copy = |member| StoredCopy { partition: ring.partition_at(place, member), member };
        Ok(Self { home: copy(Member::Home), next: copy(Member::Next) })
    }

    /// The copy of a member.
    pub(super) fn get(self, member: Member) -> StoredCopy {
        match member {
            Member::Home => self.home,
            Member::Next => self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring_core::placement::RING_SIZE_MAX;

    use super::*;

    fn copy() -> impl Strategy<Value = StoredCopy> {
        let partition = 0..u16::try_from(RING_SIZE_MAX).unwrap();
        let member = prop_oneof![Just(Member::Home), Just(Member::Next)];
        (partition, member).prop_map(|(partition, member)| StoredCopy {
            partition: PartitionId(partition),
            member,
        })
    }

    proptest! {
        #[test]
        fn a_key_is_in_the_range_of_its_copy_and_of_no_other(
            one in copy(), other in copy(), part in any::<Vec<u8>>(),
        ) {
            let key = one.key(&[&part]);
            prop_assert!(one.keys().contains(&key));
            prop_assert_eq!(other.keys().contains(&key), one == other);
            prop_assert_eq!(rest(&key), &part[..]);
            prop_assert!(key[0] >= 0x80, "no key of an older format begins so");
        }
    }

    #[test]
    fn a_node_has_the_copies_of_its_place() {
        let ring = ["a", "b", "c"].map(|id| id.parse().unwrap()).to_vec();
        let cluster = protocol::id::ClusterId(uuid::Uuid::nil());
        let membership = Membership { cluster, ring };
        let copies = Copies::of(&"a".parse().unwrap(), &membership).unwrap();
        assert_eq!(copies.get(Member::Home).partition, PartitionId(0));
        assert_eq!(copies.get(Member::Next).partition, PartitionId(2));
        let stranger = Copies::of(&"d".parse().unwrap(), &membership).unwrap_err();
        assert!(stranger.to_string().contains("no node d"), "{stranger}");
    }
}
