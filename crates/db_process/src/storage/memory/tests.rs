//! Faults, fencing and torn power losses of the model. The conformance suite tests the
//! behaviours shared with RocksDB.

use super::{Fault, MemoryDisk};
use crate::storage::{Batch, Storage, StorageError, StorageOperation, StorageReader, Table};

fn put(key: &'static str) -> Batch {
    let mut batch = Batch::new();
    batch.put(Table::Log, key, "value");
    batch
}

fn has(storage: &impl StorageReader, key: &str) -> bool {
    storage.get(Table::Log, key.as_bytes()).unwrap().is_some()
}

#[test]
fn a_torn_power_loss_keeps_the_first_unsynced_batches() {
    for kept in 0..4 {
        let disk = MemoryDisk::new();
        let storage = disk.open();
        storage.write(put("synced")).unwrap();
        storage.sync().unwrap();
        for key in ["0", "1", "2"] {
            storage.write(put(key)).unwrap();
        }
        assert_eq!(disk.unsynced_batches(), 3);
        disk.power_loss_keeping(kept);

        let storage = disk.open();
        assert!(has(&storage, "synced"));
        for (index, key) in ["0", "1", "2"].into_iter().enumerate() {
            assert_eq!(has(&storage, key), index < kept, "batch {key} with {kept} kept");
        }
        // The batches found after a power loss have reached the disk.
        assert_eq!(disk.unsynced_batches(), 0);
    }
}

#[test]
fn a_handle_of_before_a_power_loss_never_reaches_the_disk() {
    let disk = MemoryDisk::new();
    let dead = disk.open();
    dead.write(put("unsynced")).unwrap();
    disk.power_loss();

    assert!(matches!(dead.write(put("late")), Err(StorageError::Disk { .. })));
    assert!(dead.sync().is_err());
    assert!(dead.get(Table::Log, b"late").is_err());
    let storage = disk.open();
    assert!(!has(&storage, "late"));
    assert!(!has(&storage, "unsynced"));
}

#[test]
fn a_handle_is_dead_once_the_disk_is_opened_again_or_wiped() {
    let disk = MemoryDisk::new();
    let killed = disk.open();
    killed.write(put("unsynced")).unwrap();
    let storage = disk.open();
    assert!(killed.sync().is_err());
    assert_eq!(disk.unsynced_batches(), 1, "the dead handle must not have synced");
    assert!(has(&storage, "unsynced"));

    disk.wipe();
    assert!(storage.write(put("late")).is_err());
    assert!(!has(&disk.open(), "unsynced"));
}

#[test]
fn after_a_failed_write_every_write_and_sync_fails_with_the_first_error() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    storage.write(put("before")).unwrap();
    disk.arm(Fault::WriteLost);
    let first = storage.write(put("lost")).unwrap_err();
    assert!(matches!(first, StorageError::Disk { operation: StorageOperation::Write, .. }));
    assert_eq!(storage.write(put("after")), Err(first.clone()));
    assert_eq!(storage.sync(), Err(first));
    assert!(has(&storage, "before"), "reads go on");

    let storage = disk.open();
    assert!(has(&storage, "before"));
    assert!(!has(&storage, "lost"));
    storage.write(put("after")).unwrap();
}

#[test]
fn after_a_failed_sync_nothing_becomes_durable_through_that_handle() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    storage.write(put("unsynced")).unwrap();
    disk.arm(Fault::Sync);
    let first = storage.sync().unwrap_err();
    assert!(matches!(first, StorageError::Disk { operation: StorageOperation::Sync, .. }));
    assert_eq!(storage.sync(), Err(first.clone()));
    assert_eq!(storage.write(put("after")), Err(first));
    assert_eq!(disk.unsynced_batches(), 1);

    let storage = disk.open();
    assert!(has(&storage, "unsynced"), "a kill loses nothing");
    storage.sync().unwrap();
    disk.power_loss();
    assert!(has(&disk.open(), "unsynced"));
}

#[test]
fn a_failed_write_may_be_found_by_the_next_process() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    disk.arm(Fault::WriteFound);
    assert!(storage.write(put("found")).is_err());
    assert!(!has(&storage, "found"), "its own process does not see it");
    let storage = disk.open();
    assert!(has(&storage, "found"));
    disk.power_loss();
    assert!(!has(&disk.open(), "found"), "it was not synced");
}

#[test]
fn a_full_disk_fails_writes_until_there_is_space() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    storage.write(put("before")).unwrap();
    disk.arm(Fault::Full);
    let first = storage.write(put("no space")).unwrap_err();
    assert!(matches!(first, StorageError::Full { operation: StorageOperation::Write, .. }));
    assert!(matches!(disk.open().write(put("no space")), Err(StorageError::Full { .. })));
    disk.disarm();
    assert!(storage.sync().is_err(), "the first handle is dead and poisoned");
    let storage = disk.open();
    storage.write(put("after")).unwrap();
    assert!(has(&storage, "before") && !has(&storage, "no space") && has(&storage, "after"));
}

#[test]
fn a_failed_read_does_not_end_the_handle() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    storage.write(put("key")).unwrap();
    disk.arm(Fault::Read);
    assert!(matches!(
        storage.last(Table::Log, b""..b"z"),
        Err(StorageError::Disk { operation: StorageOperation::Read, .. })
    ));
    assert!(has(&storage, "key"));
    storage.sync().unwrap();
}

#[test]
fn an_audit_reads_beside_the_living_handle() {
    let disk = MemoryDisk::new();
    let storage = disk.open();
    let audit = disk.open_read_only();
    storage.write(put("key")).unwrap();
    disk.arm(Fault::Read);
    assert!(has(&audit, "key"), "no fault strikes an audit");
    disk.disarm();
    storage.sync().unwrap();
}
