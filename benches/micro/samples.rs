//! Users, records and entries of a given size.

use protocol::entry::{Change, Entry};
use protocol::id::{ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position};
use protocol::id::{RequestId, Seq};
use protocol::user::{RecordJson, User, UserId};
use protocol::view::{InSync, View};
use ring_core::placement::Ring;
use uuid::Uuid;

/// The sizes of a record in bytes: of a plain one, and of one with the longest name.
pub(crate) const RECORD_BYTES: [usize; 2] = [120, 350];

/// The numbers of messages in a frame.
pub(crate) const BATCHES: [u64; 3] = [1, 16, 256];

pub(crate) const BOOT: GatewayBoot = GatewayBoot(Uuid::from_u128(1));
pub(crate) const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(2));
pub(crate) const EPOCH: Epoch = Epoch(1);

pub(crate) fn node_ids(size: usize) -> Vec<NodeId> {
    let id = |place| format!("db-{place}").parse().expect("it is valid");
    (0..size).map(id).collect()
}

pub(crate) fn ring(size: usize) -> Ring {
    Ring::new(node_ids(size)).expect("it is valid")
}

/// The incarnation of the node at a place.
pub(crate) fn incarnation(place: usize) -> Incarnation {
    Incarnation(Uuid::from_u128(100 + place as u128))
}

/// The view *both* of a partition of a ring.
pub(crate) fn both(ring: &Ring, partition: usize) -> View {
    let (home, next) = (incarnation(partition), incarnation((partition + 1) % ring.size()));
    View {
        partition: PartitionId(partition as u16),
        epoch: EPOCH,
        in_sync: InSync::Both { home, next },
        decided_by: BOOT,
        accepted_loss: None,
    }
}

pub(crate) fn user_id(number: u64) -> UserId {
    benches::id(number).parse().expect("it is valid")
}

/// A user with a record of about `bytes` bytes.
pub(crate) fn user(number: u64, bytes: usize) -> User {
    let without_name = benches::record(number, "").len();
    let name = "n".repeat(bytes.saturating_sub(without_name).clamp(1, 256));
    User::from_json(benches::record(number, &name).as_bytes()).expect("it is valid")
}

pub(crate) fn record(number: u64, bytes: usize) -> RecordJson {
    user(number, bytes).to_json()
}

pub(crate) fn request_id(counter: u64) -> RequestId {
    RequestId { boot: BOOT, counter }
}

pub(crate) fn position(seq: u64) -> Position {
    Position { epoch: EPOCH, seq: Seq(seq) }
}

/// An entry with a new record for a user.
pub(crate) fn entry(seq: u64, bytes: usize) -> Entry {
    Entry {
        position: position(seq),
        request: request_id(seq),
        unsettled_from: seq,
        change: Change::Replace { id: user_id(seq), record: record(seq, bytes) },
    }
}
