//! Every value of a frame survives storage, and every value of the storage survives a frame.

mod salvage;
mod upgrading;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::entry::Change;
use protocol::frame;
use protocol::hello::Membership;
use protocol::message::AppliedRow;
use protocol::version::Versions;
use protocol::view::View;
use protocol::wire_format;
use ring_core::store::{AnswerIn, AppliedId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::*;
use crate::storage::memory::MemoryDisk;

const MEMBER: Member = Member::Next;
const ALL: Budget = Budget { rows_max: 1_000, bytes_max: usize::MAX };

/// Opens the store of `db-0`, which joins a ring of two if it is in none.
fn open(storage: &Arc<dyn Storage>) -> Store {
    // Without a cache, so that every read reads the stored rows.
    let (store, _) = Store::open(Arc::clone(storage), &node(), 0, Uuid::nil).unwrap();
    if store.copies.get().is_none() {
        let mut batch = Batch::new();
        store.add(&mut batch, &Mutation::Membership(ring_of_two()));
        store.write(batch).unwrap();
    }
    store
}

fn node() -> NodeId {
    "db-0".parse().unwrap()
}

fn ring_of_two() -> Membership {
    let cluster = protocol::id::ClusterId(Uuid::nil());
    Membership { cluster, ring: vec![node(), "db-1".parse().unwrap()] }
}

/// A node in a ring of two that has carried out mutations and starts again.
fn stored(mutations: impl IntoIterator<Item = Mutation>) -> Store {
    stored_in(ring_of_two(), mutations)
}

/// A node that has joined a ring, has carried out mutations, and starts again.
fn stored_in(ring: Membership, mutations: impl IntoIterator<Item = Mutation>) -> Store {
    let storage: Arc<dyn Storage> = Arc::new(MemoryDisk::new().open());
    let (store, _) = Store::open(Arc::clone(&storage), &node(), 0, Uuid::nil).unwrap();
    for mutation in std::iter::once(Mutation::Membership(ring)).chain(mutations) {
        let mut batch = Batch::new();
        store.add(&mut batch, &mutation);
        store.write(batch).unwrap();
    }
    open(&storage)
}

fn recovered(store: &Store) -> RecoveredCopy {
    let copy = store.recover().unwrap().next;
    assert_eq!(copy.damage, None);
    copy
}

/// Whether a value comes out of a frame as it went in.
fn survives_a_frame<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: T,
) -> Result<(), TestCaseError> {
    let values = vec![value];
    let frame = frame::encode(Versions::SPOKEN.highest, &values).expect("values serialise");
    prop_assert_eq!(frame::decode(Versions::SPOKEN.highest, &frame), Ok(values));
    Ok(())
}

/// A number. The upper half of its range, which nobody counts to, is drawn as often as the lower
/// half.
fn number() -> impl Strategy<Value = u64> {
    let edges = prop::sample::select(vec![0, 1, u64::MAX >> 1, (u64::MAX >> 1) + 1, u64::MAX]);
    prop_oneof![edges, any::<u64>()]
}

/// Writes a row as it is.
fn with_row(table: Table, key: &[&[u8]], payload: &[u8]) -> Store {
    let storage: Arc<dyn Storage> = Arc::new(MemoryDisk::new().open());
    let store = open(&storage);
    let mut batch = Batch::new();
    batch.put(table, store.copy(MEMBER).key(key), seal::seal(payload));
    storage.write(batch).unwrap();
    store
}

proptest! {
    #[test]
    fn an_entry_of_a_frame_survives_storage(entry: Entry, is_its_own_request_applied: bool) {
        let seq = entry.position.seq;
        let oldest_applied = if is_its_own_request_applied { seq } else { seq.next() };
        let store = stored([Mutation::Apply {
            member: MEMBER,
            entry: entry.clone(),
            oldest_applied,
            settled: Vec::new(),
            scope: Scope::Whole,
        }]);
        let record = match &entry.change {
            Change::Create { record, .. } | Change::Replace { record, .. } => {
                Some(StoredRecord { position: entry.position, record: record.clone() })
            }
            Change::Delete { .. } => None,
        };
        prop_assert_eq!(store.record(MEMBER, entry.change.id()), Ok(record));
        prop_assert_eq!(store.entries(MEMBER, seq, seq, ALL), Ok(vec![entry.clone()]));
        let copy = recovered(&store);
        prop_assert_eq!(&copy.last, &Some(entry.clone()));
        let is_unsettled = entry.unsettled().contains(&entry.request);
        let is_applied = copy.applied.iter().any(|applied| applied.request == entry.request);
        prop_assert_eq!(is_applied, is_its_own_request_applied && is_unsettled);
    }

    #[test]
    fn the_base_of_a_snapshot_survives_storage(base: Option<Entry>) {
        let store = stored([Mutation::Install { member: MEMBER, base: base.clone() }]);
        let copy = recovered(&store);
        prop_assert_eq!(copy.log_from, base.as_ref().map_or(Seq::ZERO, |base| base.position.seq));
        prop_assert_eq!((copy.last, copy.installing), (base, Some(Cursor::START)));
    }

    #[test]
    fn records_of_a_frame_survive_storage(rows: Vec<RecordRow>, then: Option<Cursor>) {
        let store = stored([Mutation::Chunk {
            member: MEMBER,
            rows: Rows::Records(rows.clone()),
            then: then.clone(),
        }]);
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        for row in rows.values() {
            let RecordRow { id, position, record } = row.clone();
            prop_assert_eq!(store.record(MEMBER, &id), Ok(Some(StoredRecord { position, record })));
        }
        prop_assert_eq!(store.records(MEMBER, None, ALL), Ok(rows.into_values().collect()));
        prop_assert_eq!(recovered(&store).installing, then);
    }

    #[test]
    fn applied_requests_of_a_frame_survive_storage(rows: Vec<AppliedRow>) {
        let store = stored([Mutation::Chunk {
            member: MEMBER,
            rows: Rows::Applied(rows.clone()),
            then: None,
        }]);
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.request, row)).collect();
        for row in rows.values() {
            prop_assert_eq!(store.applied(MEMBER, row.request), Ok(Some(row.answer.clone())));
        }
        let in_row = |row: AppliedRow| AppliedId {
            request: row.request,
            seq: row.seq,
            answer: AnswerIn::Row,
        };
        let applied: Vec<_> = rows.into_values().map(in_row).collect();
        prop_assert_eq!(recovered(&store).applied, applied);
    }

    #[test]
    fn a_view_and_a_membership_of_a_frame_survive_storage(view: View, drawn: Membership) {
        // Rings have different nodes, and a node joins only a ring with itself.
        let others = drawn.ring.into_iter().chain(ring_of_two().ring);
        let others = others.filter(|id| *id != node()).collect::<BTreeSet<_>>();
        let ring = std::iter::once(node()).chain(others).collect();
        let membership = Membership { ring, ..drawn };
        let store = stored_in(membership.clone(), [Mutation::View { member: MEMBER, view }]);
        prop_assert_eq!(recovered(&store).view, Some(view));
        prop_assert_eq!(store.recover().unwrap().membership, Some(membership));
    }

    #[test]
    fn the_start_of_a_log_survives_storage(below: Seq) {
        let store = stored([Mutation::TrimLog { member: MEMBER, below }]);
        prop_assert_eq!(recovered(&store).log_from, below);
    }

    #[test]
    fn a_stored_record_survives_a_frame_or_is_damage(
        epoch in number(), seq in number(), record in vec(any::<u8>(), 0..64),
    ) {
        let payload = [&epoch.to_be_bytes()[..], &seq.to_be_bytes(), &record].concat();
        let store = with_row(Table::Records, &[b"ada"], &payload);
        let id = "ada".parse().unwrap();
        match (store.record(MEMBER, &id), store.records(MEMBER, None, ALL)) {
            (Ok(Some(_)), Ok(rows)) => survives_a_frame(Rows::Records(rows))?,
            (Err(ReadError::Damaged(_)), Err(ReadError::Damaged(_))) => {
                prop_assert!(epoch.max(seq) > protocol::id::COUNTED_MAX);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_stored_entry_survives_a_frame_or_is_damage(
        numbers in (number(), number(), number(), number()), oldest_applied in option::of(number()),
    ) {
        // An entry that deletes a user: postcard writes a tuple in the same way as a struct.
        let (epoch, seq, counter, unsettled_from) = numbers;
        let mut payload = bytes::BytesMut::new();
        let entry = ((epoch, seq), (Uuid::nil(), counter), unsettled_from, 2_u32, "ada");
        wire_format::append(&mut payload, &entry).unwrap();
        if let Some(oldest_applied) = oldest_applied {
            wire_format::append(&mut payload, &oldest_applied).unwrap();
        }
        let store = with_row(Table::Log, &[&seq.to_be_bytes()], &payload);
        match store.entries(MEMBER, Seq(seq), Seq(seq), ALL) {
            // There is no number after the last one, so no range holds it.
            Ok(entries) => {
                prop_assert_eq!(entries.is_empty(), seq == u64::MAX);
                survives_a_frame(entries)?;
            }
            Err(ReadError::Damaged(_)) => {
                prop_assert!(epoch.max(seq) > protocol::id::COUNTED_MAX);
            }
            other => prop_assert!(false, "{:?}", other),
        }
        if let Some(last) = store.recover().unwrap().next.last {
            survives_a_frame(last)?;
        }
    }

    #[test]
    fn a_stored_applied_request_survives_a_frame_or_is_damage(
        boot in any::<u128>(), counter in number(), epoch in number(), seq in number(),
    ) {
        let mut payload = bytes::BytesMut::new();
        // The answer of the third variant, `Created`.
        let record = Bytes::from_static(b"{}");
        wire_format::append(&mut payload, &(seq, 2_u32, (epoch, seq), record)).unwrap();
        let key = [&boot.to_be_bytes()[..], &counter.to_be_bytes()];
        let store = with_row(Table::Applied, &key, &payload);
        let request = RequestId { boot: protocol::id::GatewayBoot(Uuid::from_u128(boot)), counter };
        match store.applied(MEMBER, request) {
            Ok(Some(answer)) => {
                survives_a_frame(AppliedRow { request, seq: Seq(seq), answer })?;
            }
            Err(ReadError::Damaged(_)) => {
                prop_assert!(epoch.max(seq) > protocol::id::COUNTED_MAX);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
