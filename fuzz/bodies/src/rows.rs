//! Stored rows.

use std::sync::Arc;

use bytes::Bytes;
use db_process::storage::memory::MemoryDisk;
use db_process::storage::{Batch, Storage, Table};
use db_process::store::Store;
use db_process::store::audit::{audit, sealed};
use proptest::arbitrary::any;
use protocol::entry::{Change, Entry};
use protocol::hello::Membership;
use protocol::id::{ClusterId, NodeId, Seq};
use protocol::view::Member;
use ring_core::store::{Budget, Mutation, Scope, StoredRecord, StoredRows};
use uuid::Uuid;

use crate::draw::draw;
use crate::pieces::Pieces;

/// Starts a node on arbitrary rows of keys and values; or draws an entry, stores it and reads
/// it. The bytes choose which rows get the right checksum.
///
/// Whatever the rows are, the node starts or says why it does not.
pub fn rows(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    if *kind == 0 { stored(data) } else { found(data) }
}

fn node() -> NodeId {
    "db-0".parse().expect("an id")
}

/// The store of a node in a ring of two.
fn joined(storage: Arc<dyn Storage>) -> Store {
    // The cache of records has no room, so each read returns the stored row.
    let (store, _) = Store::open(storage, &node(), 0, Uuid::nil).expect("it is empty");
    let ring = vec![node(), "db-1".parse().expect("an id")];
    let membership = Membership { cluster: ClusterId(Uuid::nil()), ring };
    let mut batch = Batch::new();
    store.add(&mut batch, &Mutation::Membership(membership));
    store.write(batch).expect("memory");
    store
}

fn found(data: &[u8]) {
    let disk = MemoryDisk::new();
    drop(joined(Arc::new(disk.open())));
    let storage = disk.open();
    let mut batch = Batch::new();
    let mut pieces = Pieces(data);
    while let (Some(kind), Some(key), Some(value)) = (pieces.byte(), pieces.piece(), pieces.piece())
    {
        let table = Table::ALL[usize::from(kind >> 1) % Table::ALL.len()];
        let value = if kind % 2 == 0 { sealed(value) } else { Bytes::copy_from_slice(value) };
        batch.put(table, Bytes::copy_from_slice(key), value);
    }
    storage.write(batch).expect("memory");
    let _ = audit(&storage);
    let Ok((store, _)) = Store::open(Arc::new(storage), &node(), 1 << 16, Uuid::nil) else {
        return;
    };
    let _ = store.recover();
    let budget = Budget { rows_max: 16, bytes_max: 1 << 16 };
    for member in [Member::Home, Member::Next] {
        let _ = store.entries(member, Seq::ZERO, Seq(u64::MAX), budget);
        let _ = (store.unreadable(member, None, budget), store.last_readable(member));
        for row in store.records(member, None, budget).unwrap_or_default() {
            let record = store.record(member, &row.id).expect("it was read before");
            assert_eq!(record, Some(StoredRecord { position: row.position, record: row.record }));
        }
    }
}

fn stored(data: &[u8]) {
    let Some(entry) = draw(&any::<Entry>(), data) else { return };
    let store = joined(Arc::new(MemoryDisk::new().open()));
    let seq = entry.position.seq;
    let mut batch = Batch::new();
    let (member, oldest_applied) = (Member::Home, seq);
    let mutation = Mutation::Apply {
        member,
        entry: entry.clone(),
        oldest_applied,
        settled: Vec::new(),
        scope: Scope::Whole,
    };
    store.add(&mut batch, &mutation);
    store.write(batch).expect("memory");
    let record = match &entry.change {
        Change::Create { record, .. } | Change::Replace { record, .. } => {
            Some(StoredRecord { position: entry.position, record: record.clone() })
        }
        Change::Delete { .. } => None,
    };
    assert_eq!(store.record(member, entry.change.id()), Ok(record));
    if seq < Seq(u64::MAX) {
        assert_eq!(store.entries(member, seq, seq, Budget::ONE), Ok(vec![entry.clone()]));
    }
    let home = store.recover().expect("it was stored").home;
    assert_eq!(home.last, Some(entry));
}
