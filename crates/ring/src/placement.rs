//! Placement: the partition of each user, and the nodes of each partition's copies.

use std::fmt;

use protocol::id::{NodeId, PartitionId};
use protocol::user::UserId;
use protocol::view::Member;
use xxhash_rust::xxh3::xxh3_64;

/// The fewest nodes of a ring. A ring of one node has no place for a second copy.
pub const RING_SIZE_MIN: usize = 2;

/// The most nodes of a ring.
pub const RING_SIZE_MAX: usize = 1024;

/// The ordered nodes of a cluster, fixed when it is formed.
///
/// The home copy of partition `p` is on node `p`, and its next copy is on the following node. So
/// each node holds two copies: the home of its own partition and the next of its predecessor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    nodes: Vec<NodeId>,
}

/// A list of nodes that cannot form a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRing {
    /// There are too few or too many nodes.
    #[error("a ring has {RING_SIZE_MIN} to {RING_SIZE_MAX} nodes, not {0}")]
    Size(usize),
    /// A node is named twice.
    #[error("the ring names node {0} twice")]
    Repeated(NodeId),
}

impl Ring {
    /// A ring of these nodes in this order.
    ///
    /// # Errors
    ///
    /// When there are too few or too many nodes, or when a node is named twice.
    pub fn new(nodes: Vec<NodeId>) -> Result<Self, InvalidRing> {
        if !(RING_SIZE_MIN..=RING_SIZE_MAX).contains(&nodes.len()) {
            return Err(InvalidRing::Size(nodes.len()));
        }
        let mut rest = nodes.as_slice();
        while let Some((node, others)) = rest.split_first() {
            if others.contains(node) {
                return Err(InvalidRing::Repeated(node.clone()));
            }
            rest = others;
        }
        Ok(Self { nodes })
    }

    /// Its nodes, in order.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The number of its nodes, and so of its partitions.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The place of a node in the ring; none if the ring does not contain it.
    pub fn place_of(&self, node: &NodeId) -> Option<Place> {
        self.nodes.iter().position(|other| other == node).map(Place)
    }

    /// All places, in order.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.size()).map(Place)
    }

    /// The node at a place.
    ///
    /// # Panics
    ///
    /// When the place belongs to a larger ring.
    pub fn node_at(&self, place: Place) -> &NodeId {
        self.nodes.get(place.0).unwrap_or_else(|| panic!("no place {} in {self:?}", place.0))
    }

    /// The place after this one.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place is made of a node's index or of a u16, and a ring has nodes"
    )]
    pub fn next(&self, place: Place) -> Place {
        Place((place.0 + 1) % self.size())
    }

    /// The place before this one.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place is made of a node's index or of a u16, and a ring has nodes"
    )]
    pub fn previous(&self, place: Place) -> Place {
        Place((place.0 + self.size() - 1) % self.size())
    }

    /// The place of the node that holds a copy of a partition.
    pub fn holder(&self, partition: PartitionId, member: Member) -> Place {
        let home = Place(usize::from(partition.0));
        match member {
            Member::Home => home,
            Member::Next => self.next(home),
        }
    }

    /// The partition of this copy on the node at a place.
    pub fn partition_at(&self, place: Place, member: Member) -> PartitionId {
        match member {
            Member::Home => place.partition(),
            Member::Next => self.previous(place).partition(),
        }
    }

    /// The partition of a user.
    pub fn partition_of(&self, id: &UserId) -> PartitionId {
        Place(jump_consistent_hash(xxh3_64(id.as_str().as_bytes()), self.size())).partition()
    }
}

impl fmt::Display for Ring {
    /// The nodes in the format of the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, node) in self.nodes.iter().enumerate() {
            write!(f, "{}{node}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// A position in the order of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(usize);

impl Place {
    /// Its number, from 0: the index of the node in [`Ring::nodes`].
    pub fn index(self) -> usize {
        self.0
    }

    /// The partition with its home at this place.
    pub fn partition(self) -> PartitionId {
        let number = u16::try_from(self.0);
        PartitionId(
            number.unwrap_or_else(|_| unreachable!("a ring has at most {RING_SIZE_MAX} places")),
        )
    }
}

/// Lamping and Veach, *A Fast, Minimal Memory, Consistent Hash Algorithm* (2014).
///
/// When a bucket is added, each key either stays or moves to the new bucket.
#[expect(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "as in the paper: `candidate` is below `buckets`, `key >> 33` has 31 bits, and a float too large saturates"
)]
fn jump_consistent_hash(mut key: u64, buckets: usize) -> usize {
    let mut bucket = 0;
    let mut candidate = 0_u64;
    while candidate < buckets as u64 {
        bucket = candidate as usize;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let fraction = (1_u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        candidate = ((candidate + 1) as f64 * fraction) as u64;
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(size: usize) -> Ring {
        Ring::new((0..size).map(|i| format!("db-{i}").parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn a_ring_has_at_least_two_different_nodes() {
        let nodes = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(Ring::new(nodes(&["a"])), Err(InvalidRing::Size(1)));
        assert_eq!(
            Ring::new(nodes(&["a", "b", "a"])),
            Err(InvalidRing::Repeated("a".parse().unwrap()))
        );
    }

    #[test]
    fn every_node_holds_one_home_and_one_next_copy() {
        for size in RING_SIZE_MIN..9 {
            let ring = ring(size);
            for place in ring.places() {
                for member in [Member::Home, Member::Next] {
                    assert_eq!(ring.holder(ring.partition_at(place, member), member), place);
                }
                assert_ne!(ring.next(place), place);
                assert_eq!(ring.previous(ring.next(place)), place);
            }
        }
    }

    #[test]
    fn placement_never_changes() {
        // Stored data depends on placement. If this fails, the gateway looks for users on the
        // wrong nodes.
        let places = |size| {
            let ring = ring(size);
            ["a", "ada", "grace", "0190f5d2-7c3e-7d2a-8a4b-000000000001", "~"]
                .map(|id| ring.partition_of(&id.parse().unwrap()).0)
        };
        assert_eq!(places(2), PLACES_OF_2);
        assert_eq!(places(3), PLACES_OF_3);
        assert_eq!(places(7), PLACES_OF_7);
    }

    #[test]
    fn the_hash_is_the_one_of_the_paper() {
        // Other implementations of the algorithm agree on these values.
        for (key, buckets, bucket) in [
            (1, 1, 0),
            (42, 57, 43),
            (0xDEAD_10CC, 1, 0),
            (0xDEAD_10CC, 666, 361),
            (256, 1024, 520),
        ] {
            assert_eq!(jump_consistent_hash(key, buckets), bucket, "{key} in {buckets}");
        }
    }

    const PLACES_OF_2: [u16; 5] = [1, 0, 0, 0, 0];
    const PLACES_OF_3: [u16; 5] = [1, 2, 0, 0, 0];
    const PLACES_OF_7: [u16; 5] = [1, 6, 0, 0, 4];

    proptest! {
        #[test]
        fn growing_by_one_moves_users_only_to_the_new_partition(id in "[a-z0-9]{1,32}", size in 2_usize..64) {
            let id = id.parse().unwrap();
            let (before, after) = (ring(size).partition_of(&id), ring(size + 1).partition_of(&id));
            prop_assert!(after == before || usize::from(after.0) == size);
        }
    }

    #[test]
    fn users_spread_evenly() {
        let ring = ring(5);
        let mut counts = [0_u32; 5];
        for i in 0..50_000 {
            let id = format!("user-{i}").parse().unwrap();
            counts[usize::from(ring.partition_of(&id).0)] += 1;
        }
        for count in counts {
            assert!((9_500..10_500).contains(&count), "{counts:?}");
        }
    }
}
