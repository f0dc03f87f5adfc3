//! Arbitrary histories of writes, syncs, kills and power losses, against the
//! [`model`](super::model).

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Model, Rows};
use super::{END, Machine, MemoryMachine, RocksMachine, rows};
use crate::storage::{AtHand, Batch, ScanLimit, Storage, StorageReader, Table};

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Write(Batch),
    Sync,
    Kill,
    PowerLoss,
    Scan { table: Table, from: Bytes, to: Bytes, limit: ScanLimit },
}

/// Few and short keys, so that changes often hit the same key.
fn key() -> impl Strategy<Value = Bytes> {
    vec(0_u8..4, 0..3).prop_map(Bytes::from)
}

fn table() -> impl Strategy<Value = Table> {
    prop::sample::select(&Table::ALL)
}

fn value() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

pub(in crate::storage) fn batch() -> impl Strategy<Value = Batch> {
    #[derive(Clone, Debug)]
    enum Kind {
        Put(Bytes),
        Delete,
        DeleteRange(Bytes),
    }
    let kind = prop_oneof![
        5 => value().prop_map(Kind::Put),
        2 => Just(Kind::Delete),
        1 => key().prop_map(Kind::DeleteRange),
    ];
    vec((table(), key(), kind), 0..8).prop_map(|changes| {
        let mut batch = Batch::new();
        for (table, key, kind) in changes {
            match kind {
                Kind::Put(value) => batch.put(table, key, value),
                Kind::Delete => batch.delete(table, key),
                Kind::DeleteRange(to) => batch.delete_range(table, key..to),
            }
        }
        batch
    })
}

fn step() -> impl Strategy<Value = Step> {
    let limit = (1_usize..10, 1_usize..60).prop_map(|(rows, bytes)| ScanLimit { rows, bytes });
    prop_oneof![
        12 => batch().prop_map(Step::Write),
        3 => Just(Step::Sync),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerLoss),
        6 => (table(), key(), key(), limit)
            .prop_map(|(table, from, to, limit)| Step::Scan { table, from, to, limit }),
    ]
}

fn run<M: Machine>(machine: &mut M, steps: Vec<Step>) {
    let mut model = Model::default();
    let mut storage = machine.boot();
    for step in steps {
        match step {
            Step::Write(batch) => {
                model.write(&batch);
                storage.write(batch).unwrap();
            }
            Step::Sync => {
                model.sync();
                storage.sync().unwrap();
            }
            Step::Kill => {
                machine.kill(storage);
                storage = recover(machine, &mut model);
            }
            Step::PowerLoss => {
                model.power_loss();
                machine.power_loss(storage);
                storage = recover(machine, &mut model);
            }
            Step::Scan { table, from, to, limit } => {
                check_range(&storage, &model.now, table, &from, &to, limit);
            }
        }
    }
    assert_eq!(everything(&storage), model.now);
}

/// Boots, checks the rows found, and makes them durable as every process must.
fn recover<M: Machine>(machine: &mut M, model: &mut Model) -> M::Storage {
    let storage = machine.boot();
    assert_eq!(everything(&storage), model.now);
    storage.sync().unwrap();
    model.sync();
    storage
}

pub(in crate::storage) fn everything(storage: &impl StorageReader) -> Rows {
    let of = |table| {
        rows(storage, table).into_iter().map(move |(key, value)| {
            assert_eq!(storage.get(table, &key).unwrap().as_ref(), Some(&value));
            ((table, key), value)
        })
    };
    Table::ALL.into_iter().flat_map(of).collect()
}

fn check_range(
    storage: &impl Storage,
    rows: &Rows,
    table: Table,
    from: &Bytes,
    to: &Bytes,
    limit: ScanLimit,
) {
    let inside: Vec<(Bytes, Bytes)> = rows
        .iter()
        .filter(|((of, key), _)| *of == table && key >= from && key < to)
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect();
    assert_eq!(storage.last(table, from..to).unwrap().as_ref(), inside.last());
    let stored = rows.get(&(table, from.clone()));
    let at_hand = storage.at_hand(table, from).unwrap();
    assert!(at_hand == AtHand::Unknown || at_hand == AtHand::from(stored.cloned()), "{at_hand:?}");
    assert_eq!(storage.get(table, from).unwrap().as_ref(), stored);
    let found = storage.scan(table, from..to, limit).unwrap();
    assert!(inside.starts_with(&found));
    let bytes = |rows: &[(Bytes, Bytes)]| -> usize {
        rows.iter().map(|(key, value)| key.len() + value.len()).sum()
    };
    if found.len() < inside.len() {
        assert!(found.len() == limit.rows || bytes(&found) >= limit.bytes, "stopped too early");
    }
    if let Some((_, before_last)) = found.split_last() {
        assert!(
            found.len() <= limit.rows
                && (before_last.is_empty() || bytes(before_last) < limit.bytes)
        );
    }
    assert!(!found.is_empty() || inside.is_empty());
    assert!(to.as_ref() < END);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn memory_does_what_the_model_does(steps in vec(step(), 0..60)) {
        run(&mut MemoryMachine::default(), steps);
    }
}

proptest! {
    // Every crash opens a database, and an opening takes some ten milliseconds.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn rocks_does_what_the_model_does(steps in vec(step(), 0..60)) {
        run(&mut RocksMachine::default(), steps);
    }
}
