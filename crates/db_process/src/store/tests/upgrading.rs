//! Rows of an older format have the keys of the new one after an opening, wherever an opening
//! before it was cut short.

use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::id::{Epoch, GatewayBoot, Incarnation, PartitionId, Position};
use protocol::salvage::Salvage;
use protocol::view::InSync;
use ring_core::store::SalvageRow;

use super::super::audit::{Audit, audit};
use super::super::copy::rest;
use super::*;
use crate::storage::memory::MemoryStorage;
use crate::storage::{ReadsThrough, ScanLimit};

/// More writes than an upgrade has.
const WRITES_MAX: usize = 60;

/// The keys of an older format: the first byte of a copy's key, and the end of its names.
const OLD: [(Member, u8, &str); 2] = [(Member::Home, 1, "home"), (Member::Next, 2, "next")];

/// A storage whose process dies at a write.
struct DiesAtWrite {
    inner: MemoryStorage,
    writes_left: AtomicUsize,
}

impl ReadsThrough for DiesAtWrite {
    fn reader(&self) -> &dyn StorageReader {
        &self.inner
    }
}

impl Storage for DiesAtWrite {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let one_less = |left: usize| left.checked_sub(1);
        let is_alive = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        match is_alive {
            Ok(_) => self.inner.write(batch),
            Err(_) => Err(StorageError::Full {
                operation: crate::storage::StorageOperation::Write,
                detail: "the process dies".to_owned(),
            }),
        }
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.inner.sync()
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.inner.name_format()
    }
}

/// A node with rows of each kind in both copies.
fn filled() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.open());
    let store = open(&storage);
    let mut batch = Batch::new();
    for (member, partition) in [(Member::Home, PartitionId(0)), (Member::Next, PartitionId(1))] {
        let view = View {
            partition,
            epoch: Epoch(1),
            in_sync: InSync::only(member, Incarnation(Uuid::nil())),
            decided_by: GatewayBoot(Uuid::nil()),
            accepted_loss: None,
        };
        store.add(&mut batch, &Mutation::View { member, view });
        for number in 1..=5 {
            let id: UserId = format!("user-{number}").parse().unwrap();
            let request = RequestId { boot: GatewayBoot(Uuid::nil()), counter: number };
            let entry = Entry {
                position: Position { epoch: Epoch(1), seq: Seq(number) },
                request,
                unsettled_from: 1,
                change: Change::Create { id, record: Bytes::from_static(b"{}") },
            };
            store.add(
                &mut batch,
                &Mutation::Apply {
                    member,
                    entry,
                    oldest_applied: Seq(2),
                    settled: Vec::new(),
                    scope: Scope::Whole,
                },
            );
        }
        let request = RequestId { boot: GatewayBoot(Uuid::nil()), counter: 1 };
        let rows =
            Rows::Applied(vec![AppliedRow { request, seq: Seq(1), answer: Answer::Deleted }]);
        store.add(&mut batch, &Mutation::Chunk { member, rows, then: Some(Cursor::START) });
        store.add(&mut batch, &Mutation::TrimLog { member, below: Seq(2) });
        store.add(&mut batch, &Mutation::MarkDamaged { member });
        let salvage = Salvage::begin(Epoch(1));
        let row = SalvageRow { salvage, snapshot_to: Some(Seq(3)) };
        let (dropped, rewritten) = (Vec::new(), Vec::new());
        store.add(
            &mut batch,
            &Mutation::Salvage { member, row, is_damaged: true, dropped, rewritten },
        );
    }
    store.write(batch).unwrap();
    store.storage().sync().unwrap();
    disk
}

/// Gives all rows of the copies the keys of an older format.
fn made_old(disk: &MemoryDisk) {
    let storage = disk.open();
    let copies = Copies::of(&node(), &ring_of_two()).unwrap();
    let mut batch = Batch::new();
    for (member, prefix, name) in OLD {
        let keys = copies.get(member).keys();
        for table in Table::ALL {
            let range = &keys.start[..]..&keys.end[..];
            for (key, value) in storage.scan(table, range, ScanLimit::NONE).unwrap() {
                let old = match table {
                    Table::Meta => [rest(&key), b"-of-", name.as_bytes()].concat(),
                    Table::Records | Table::Log | Table::Applied => {
                        [&[prefix], rest(&key)].concat()
                    }
                };
                batch.put(table, old, value);
            }
            batch.delete_range(table, keys.clone());
        }
    }
    storage.write(batch).unwrap();
    storage.sync().unwrap();
}

/// All data, but for the count of openings: as an audit shows it, and as a node finds it.
fn data(disk: &MemoryDisk) -> (Audit, String) {
    let audit = audit(&disk.open_read_only()).unwrap();
    let identity = audit.identity.map(|identity| Identity { boots: 0, ..identity });
    let (store, _) = Store::open(Arc::new(disk.open()), &node(), 0, Uuid::nil).unwrap();
    (Audit { identity, ..audit }, format!("{:#?}", store.recover().unwrap()))
}

#[test]
fn an_opening_that_is_cut_short_anywhere_is_made_up_for_by_the_next_one() {
    let expected = data(&filled());
    assert_eq!(expected.0.next.log.len(), 4, "the audit sees rows");
    for writes in 0..WRITES_MAX {
        for survive in 0..=writes {
            let disk = filled();
            made_old(&disk);
            assert!(audit(&disk.open_read_only()).is_err(), "old rows are not taken for nothing");
            let is_upgraded = open_until(&disk, writes);
            disk.power_loss_keeping(survive);
            Store::open(Arc::new(disk.open()), &node(), 0, Uuid::nil).unwrap();
            assert_eq!(data(&disk), expected, "{survive} of {writes} writes survive");
            if is_upgraded {
                return;
            }
        }
    }
    panic!("an upgrade has fewer than {WRITES_MAX} writes");
}

/// Opens the store, but the process dies after so many writes. Returns whether it lived on.
fn open_until(disk: &MemoryDisk, writes: usize) -> bool {
    let storage = DiesAtWrite { inner: disk.open(), writes_left: AtomicUsize::new(writes) };
    Store::open(Arc::new(storage), &node(), 0, Uuid::nil).is_ok()
}
