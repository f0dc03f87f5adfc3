//! Names of things. Each kind of id is a type of its own, so one kind cannot stand in for another.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// The longest name of a node, in characters.
pub const NODE_ID_LENGTH_MAX: usize = 64;

/// The stable name of a node (one `db_process`), for example `db-0`.
///
/// 1 to [`NODE_ID_LENGTH_MAX`] characters of `A–Z a–z 0–9 - . _`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(String);

impl NodeId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text of a form not allowed for the name of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a node id: use 1 to {NODE_ID_LENGTH_MAX} characters of A-Z a-z 0-9 - . _")]
pub struct InvalidNodeId(String);

impl TryFrom<String> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(text: String) -> Result<Self, InvalidNodeId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if (1..=NODE_ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidNodeId(text))
        }
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        text.to_owned().try_into()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Defines an id: a UUID with a type of its own.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// The cluster formed by a gateway. The gateway makes this id once, at formation.
    ClusterId
}

uuid_id! {
    /// One life of a node's data: made together with its data directory, and lost together with it.
    Incarnation
}

uuid_id! {
    /// One start of a gateway. The gateway makes it durable before anyone hears of it.
    GatewayBoot
}

/// One start of a node.
///
/// `count` orders the starts of one data directory. `nonce` tells a reconnecting process from a
/// second process on a copy of the same directory: both have the same count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Boot {
    /// The number of times the data directory has been opened, this time included; counts from 1.
    pub count: u64,
    /// Drawn at random by every process at its start.
    pub nonce: Uuid,
}

/// A partition: the users with ids that hash to this position of the ring. Partition `p` has its
/// home on node `p`.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default,
)]
#[serde(transparent)]
pub struct PartitionId(pub u16);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}

/// The largest accepted value of an epoch or a seq. Both count one by one, so no real one gets
/// this far. The value after it is still distinct: `next` never returns the same number.
pub const COUNTED_MAX: u64 = u64::MAX >> 1;

fn counted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if number > COUNTED_MAX {
        return Err(Error::custom("a number that nobody has counted to"));
    }
    Ok(number)
}

/// The number of a partition's view: plus one at every change.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default,
)]
#[serde(transparent)]
pub struct Epoch(#[serde(deserialize_with = "counted")] pub u64);

impl Epoch {
    /// The epoch of the views made at formation.
    pub const FIRST: Self = Self(1);

    /// The epoch after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an entry in its partition's log. It counts from 1, without gaps; 0 means
/// *before the first entry*.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default,
)]
#[serde(transparent)]
pub struct Seq(#[serde(deserialize_with = "counted")] pub u64);

impl Seq {
    /// The value before the first entry.
    pub const ZERO: Self = Self(0);

    /// The number of the entry after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A position in a partition's log: the epoch and the seq of an entry.
///
/// The position of a copy is the position of its last entry. The position of a record is the
/// position of the entry that wrote it last; it is also the `ETag` of the record.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Position {
    /// The epoch of the entry.
    pub epoch: Epoch,
    /// The seq of the entry.
    pub seq: Seq,
}

impl Position {
    /// The position before the first entry.
    pub const ZERO: Self = Self { epoch: Epoch(0), seq: Seq(0) };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// A text of a form not allowed for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is written EPOCH.SEQ, for example 3.1742")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    /// Reads the output of `Display` and nothing else: no signs, no leading zeros, no spaces. It
    /// refuses numbers above [`COUNTED_MAX`], as the decoder of messages does.
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (epoch, seq) = text.split_once('.').ok_or(InvalidPosition)?;
        let number = |digits: &str| match digits.parse() {
            Ok(number) if number <= COUNTED_MAX => Ok(number),
            _ => Err(InvalidPosition),
        };
        let position = Self { epoch: Epoch(number(epoch)?), seq: Seq(number(seq)?) };
        if position.to_string() == text { Ok(position) } else { Err(InvalidPosition) }
    }
}

/// Names one update, however often it is sent: the gateway's boot, and the gateway's own counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct RequestId {
    /// The boot of the gateway that took the request.
    pub boot: GatewayBoot,
    /// Counts the updates of that boot.
    pub counter: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.boot, self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_node_id_is_short_and_plain() {
        for good in ["db-0", "A.b_c-9", &"x".repeat(NODE_ID_LENGTH_MAX)] {
            assert!(good.parse::<NodeId>().is_ok(), "{good}");
        }
        for bad in ["", "db 0", "db/0", "dö", &"x".repeat(NODE_ID_LENGTH_MAX + 1)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_position_reads_only_what_it_writes() {
        for bad in
            ["", "1", "1.", ".1", "+1.2", "01.2", "1.2.3", "1.-2", " 1.2", "1.18446744073709551616"]
        {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_that_nobody_has_counted_to_is_not_read() {
        let read = |number: u64| serde_json::from_value::<Seq>(number.into());
        assert_eq!(read(COUNTED_MAX).unwrap(), Seq(COUNTED_MAX));
        assert!(read(COUNTED_MAX + 1).is_err());
        let most = Position { epoch: Epoch(COUNTED_MAX), seq: Seq(COUNTED_MAX) };
        assert_eq!(format!("{COUNTED_MAX}.{COUNTED_MAX}").parse(), Ok(most));
        for above in [COUNTED_MAX + 1, u64::MAX] {
            assert_eq!(format!("{above}.1").parse::<Position>(), Err(InvalidPosition));
            assert_eq!(format!("1.{above}").parse::<Position>(), Err(InvalidPosition));
        }
    }

    #[test]
    fn a_text_is_a_position_only_if_a_message_could_carry_it() {
        let numbers = [0, 1, COUNTED_MAX, COUNTED_MAX + 1, u64::MAX];
        for (epoch, seq) in numbers.into_iter().flat_map(|epoch| numbers.map(|seq| (epoch, seq))) {
            let position = Position { epoch: Epoch(epoch), seq: Seq(seq) };
            let bytes = postcard::to_allocvec(&position).unwrap();
            let decoded = postcard::from_bytes::<Position>(&bytes).ok();
            let parsed = position.to_string().parse::<Position>().ok();
            assert_eq!(parsed, decoded, "{position}");
        }
    }

    proptest! {
        #[test]
        fn a_position_survives_its_text(position: Position) {
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn positions_order_by_epoch_then_seq(a in any::<(u64, u64)>(), b in any::<(u64, u64)>()) {
            let position = |(epoch, seq)| Position { epoch: Epoch(epoch), seq: Seq(seq) };
            prop_assert_eq!(position(a).cmp(&position(b)), a.cmp(&b));
        }
    }
}
