//! The rows left after kills and power losses.

use std::sync::Arc;

use bytes::Bytes;

use super::{Machine, keys, puts, rows};
use crate::storage::{Batch, BeginsSync, ScanLimit, Storage, Table};

pub(super) fn a_first_boot_finds_nothing(machine: &mut impl Machine) {
    let storage = machine.boot();
    for table in Table::ALL {
        assert_eq!(rows(&storage, table), []);
    }
}

pub(super) fn a_killed_process_finds_unsynced_writes_again(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Log, &["synced"])).unwrap();
    storage.sync().unwrap();
    storage.write(puts(Table::Log, &["unsynced"])).unwrap();
    machine.kill(storage);
    let storage = machine.boot();
    assert_eq!(keys(&storage, Table::Log, "".."z", ScanLimit::NONE), ["synced", "unsynced"]);
}

pub(super) fn a_power_loss_takes_what_was_not_synced_and_nothing_else(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Log, &["a", "b"])).unwrap();
    storage.write(puts(Table::Records, &["r"])).unwrap();
    storage.sync().unwrap();
    storage.write(puts(Table::Log, &["c"])).unwrap();
    storage.write(puts(Table::Records, &["s"])).unwrap();
    machine.power_loss(storage);
    let storage = machine.boot();
    assert_eq!(keys(&storage, Table::Log, "".."z", ScanLimit::NONE), ["a", "b"]);
    assert_eq!(keys(&storage, Table::Records, "".."z", ScanLimit::NONE), ["r"]);
    // The storage works on as usual.
    storage.write(puts(Table::Log, &["d"])).unwrap();
    storage.sync().unwrap();
    assert_eq!(keys(&storage, Table::Log, "".."z", ScanLimit::NONE), ["a", "b", "d"]);
}

pub(super) fn a_power_loss_undoes_puts_deletions_and_range_deletions(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Records, &["a", "b", "c", "d", "e"])).unwrap();
    storage.sync().unwrap();
    let before = rows(&storage, Table::Records);

    let mut batch = Batch::new();
    batch.put(Table::Records, "a", "1");
    batch.delete(Table::Records, "b");
    batch.delete_range(Table::Records, "c".."e");
    batch.put(Table::Records, "c", "2");
    batch.put(Table::Records, "new", "3");
    storage.write(batch).unwrap();
    let mut batch = Batch::new();
    batch.put(Table::Records, "a", "4");
    batch.delete(Table::Records, "a");
    batch.put(Table::Records, "b", "5");
    batch.delete_range(Table::Records, "a".."z");
    storage.write(batch).unwrap();
    assert_eq!(rows(&storage, Table::Records), []);

    machine.power_loss(storage);
    assert_eq!(rows(&machine.boot(), Table::Records), before);
}

pub(super) fn what_a_kill_left_is_durable_after_a_sync(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Applied, &["before the kill"])).unwrap();
    machine.kill(storage);
    let storage = machine.boot();
    storage.sync().unwrap();
    machine.power_loss(storage);
    let storage = machine.boot();
    assert_eq!(keys(&storage, Table::Applied, "".."z", ScanLimit::NONE), ["before the kill"]);
}

pub(super) fn a_sync_with_nothing_to_do_succeeds(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.sync().unwrap();
    storage.sync().unwrap();
    machine.power_loss(storage);
    machine.boot().sync().unwrap();
}

pub(super) fn a_sync_covers_what_was_written_before_its_begin(machine: &mut impl Machine) {
    let storage = Arc::new(machine.boot());
    storage.write(puts(Table::Log, &["a"])).unwrap();
    let end = Arc::clone(&storage).begin_sync();
    storage.write(puts(Table::Log, &["b"])).unwrap();
    end().unwrap();
    machine.power_loss(Arc::into_inner(storage).unwrap());
    assert_eq!(keys(&machine.boot(), Table::Log, "".."z", ScanLimit::NONE), ["a"]);
}

pub(super) fn crashes_may_follow_each_other(machine: &mut impl Machine) {
    for round in 0_u32..4 {
        let storage = machine.boot();
        let expected: Vec<Bytes> = (0..round).map(|past| Bytes::from(past.to_string())).collect();
        let found = rows(&storage, Table::Meta);
        assert_eq!(found.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);

        let mut batch = Batch::new();
        batch.put(Table::Meta, round.to_string(), "");
        storage.write(batch).unwrap();
        storage.sync().unwrap();
        let mut batch = Batch::new();
        batch.put(Table::Meta, "lost", "");
        storage.write(batch).unwrap();
        machine.power_loss(storage);
        // An interrupted start changes nothing.
        let storage = machine.boot();
        machine.kill(storage);
    }
}
