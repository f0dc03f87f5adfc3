//! Reading and changing, while one process lives.

use bytes::Bytes;

use super::{END, Machine, keys, puts, rows};
use crate::storage::{Batch, ScanLimit, Storage, StorageReader, Table};

pub(super) fn a_key_reads_as_written_before_it_is_synced(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Records, &["a"])).unwrap();
    assert_eq!(storage.get(Table::Records, b"a").unwrap().as_deref(), Some(&b"value of a"[..]));
    assert_eq!(storage.get(Table::Records, b"b").unwrap(), None);

    let mut batch = Batch::new();
    batch.delete(Table::Records, "a");
    batch.delete(Table::Records, "never there");
    storage.write(batch).unwrap();
    assert_eq!(storage.get(Table::Records, b"a").unwrap(), None);
}

pub(super) fn a_batch_of_several_tables_is_applied_whole(machine: &mut impl Machine) {
    let storage = machine.boot();
    let mut batch = Batch::new();
    for table in Table::ALL {
        batch.put(table, "key", table.name());
    }
    storage.write(batch).unwrap();
    for table in Table::ALL {
        assert_eq!(storage.get(table, b"key").unwrap(), Some(Bytes::from(table.name())));
    }
}

pub(super) fn the_last_change_of_a_batch_wins(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Meta, &["put, deleted", "deleted, put", "put twice"])).unwrap();
    let mut batch = Batch::new();
    batch.put(Table::Meta, "put, deleted", "1");
    batch.delete(Table::Meta, "put, deleted");
    batch.delete(Table::Meta, "deleted, put");
    batch.put(Table::Meta, "deleted, put", "2");
    batch.put(Table::Meta, "put twice", "3");
    batch.put(Table::Meta, "put twice", "4");
    storage.write(batch).unwrap();
    assert_eq!(
        rows(&storage, Table::Meta),
        [("deleted, put", "2"), ("put twice", "4")].map(|(k, v)| (Bytes::from(k), Bytes::from(v)))
    );
}

pub(super) fn tables_do_not_share_keys(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Log, &["a"])).unwrap();
    storage.write(puts(Table::Applied, &["a", "b"])).unwrap();
    let mut batch = Batch::new();
    batch.delete_range(Table::Applied, "a".."z");
    storage.write(batch).unwrap();
    assert_eq!(rows(&storage, Table::Log).len(), 1);
    assert_eq!(rows(&storage, Table::Applied), []);
    assert_eq!(rows(&storage, Table::Meta), []);
}

pub(super) fn an_empty_batch_changes_nothing(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(Batch::new()).unwrap();
    let mut nothing = Batch::new();
    nothing.delete_range(Table::Log, "b".."a");
    nothing.delete_range(Table::Log, "a".."a");
    assert!(nothing.is_empty());
    storage.write(nothing).unwrap();
    for table in Table::ALL {
        assert_eq!(rows(&storage, table), []);
    }
}

pub(super) fn empty_keys_and_values_are_kept_apart_from_absent_ones(machine: &mut impl Machine) {
    let storage = machine.boot();
    assert_eq!(storage.get(Table::Meta, b"").unwrap(), None);
    let mut batch = Batch::new();
    batch.put(Table::Meta, "", "the empty key");
    batch.put(Table::Meta, "empty value", "");
    storage.write(batch).unwrap();
    assert_eq!(storage.get(Table::Meta, b"").unwrap(), Some(Bytes::from("the empty key")));
    assert_eq!(storage.get(Table::Meta, b"empty value").unwrap(), Some(Bytes::new()));
    assert_eq!(keys(&storage, Table::Meta, "".."z", ScanLimit::NONE), ["", "empty value"]);

    let mut batch = Batch::new();
    batch.delete_range(Table::Meta, "".."a");
    storage.write(batch).unwrap();
    assert_eq!(keys(&storage, Table::Meta, "".."z", ScanLimit::NONE), ["empty value"]);
}

pub(super) fn big_values_come_back_whole(machine: &mut impl Machine) {
    let storage = machine.boot();
    // Larger than a block of the WAL (32 KiB), so that the record is split.
    let value: Bytes = (0..3 << 20).map(|index: u32| index.to_le_bytes()[1]).collect();
    let mut batch = Batch::new();
    batch.put(Table::Records, "big", value.clone());
    batch.put(Table::Records, "small", "x");
    storage.write(batch).unwrap();
    assert_eq!(storage.get(Table::Records, b"big").unwrap().as_ref(), Some(&value));
    machine.kill(storage);
    let storage = machine.boot();
    assert_eq!(storage.get(Table::Records, b"big").unwrap(), Some(value));
}

pub(super) fn a_scan_is_ascending_and_leaves_out_its_end(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Records, &["d", "a", "c", "b"])).unwrap();
    let scan = |range| keys(&storage, Table::Records, range, ScanLimit::NONE);
    assert_eq!(scan("".."z"), ["a", "b", "c", "d"]);
    assert_eq!(scan("b".."d"), ["b", "c"]);
    assert_eq!(scan("aa".."cc"), ["b", "c"]);
    assert_eq!(scan("d".."e"), ["d"]);
    assert_eq!(scan("e".."z"), [""; 0]);
}

pub(super) fn a_scan_stops_at_the_row_that_reaches_a_limit(machine: &mut impl Machine) {
    let storage = machine.boot();
    let mut batch = Batch::new();
    for key in ["a", "b", "c", "d"] {
        // Ten bytes a row.
        batch.put(Table::Log, key, "123456789");
    }
    storage.write(batch).unwrap();
    let scan = |rows, bytes| keys(&storage, Table::Log, "".."z", ScanLimit { rows, bytes });
    assert_eq!(scan(2, usize::MAX), ["a", "b"]);
    assert_eq!(scan(0, usize::MAX), ["a"]);
    assert_eq!(scan(usize::MAX, 0), ["a"]);
    assert_eq!(scan(usize::MAX, 10), ["a"]);
    assert_eq!(scan(usize::MAX, 11), ["a", "b"]);
    assert_eq!(scan(3, 20), ["a", "b"]);
    assert_eq!(scan(100, 1000), ["a", "b", "c", "d"]);
}

pub(super) fn a_backward_range_is_empty(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Log, &["a", "b", "c"])).unwrap();
    for range in [&b"c"[..]..&b"a"[..], &b"b"[..]..&b"b"[..], &b""[..]..&b""[..]] {
        assert_eq!(storage.scan(Table::Log, range.clone(), ScanLimit::NONE).unwrap(), []);
        assert_eq!(storage.last(Table::Log, range).unwrap(), None);
    }
}

pub(super) fn keys_are_ordered_by_unsigned_bytes_and_then_by_length(machine: &mut impl Machine) {
    let storage = machine.boot();
    let ordered: [&'static [u8]; 7] =
        [&[], &[0], &[0, 0], &[1], &[0x7f, 0xff], &[0x80], &[0xff, 0xfe]];
    let mut batch = Batch::new();
    for key in ordered.iter().rev() {
        batch.put(Table::Meta, *key, "");
    }
    storage.write(batch).unwrap();
    let found: Vec<Bytes> = rows(&storage, Table::Meta).into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, ordered);
}

pub(super) fn last_is_the_greatest_key_below_the_end(machine: &mut impl Machine) {
    let storage = machine.boot();
    assert_eq!(storage.last(Table::Log, b""..END).unwrap(), None);
    storage.write(puts(Table::Log, &["b", "d"])).unwrap();
    let last = |from: &str, to: &str| {
        let row = storage.last(Table::Log, from.as_bytes()..to.as_bytes()).unwrap();
        row.map(|(key, value)| {
            assert_eq!(value, format!("value of {}", key.escape_ascii()));
            key
        })
    };
    assert_eq!(last("a", "z"), Some(Bytes::from("d")));
    assert_eq!(last("a", "d"), Some(Bytes::from("b")));
    assert_eq!(last("b", "c"), Some(Bytes::from("b")));
    assert_eq!(last("c", "d"), None);
    assert_eq!(last("a", "b"), None);
    assert_eq!(last("e", "z"), None);
}

pub(super) fn a_range_deletion_takes_its_start_and_spares_its_end(machine: &mut impl Machine) {
    let storage = machine.boot();
    storage.write(puts(Table::Log, &["a", "b", "bb", "c", "d"])).unwrap();
    let mut batch = Batch::new();
    batch.delete_range(Table::Log, "b".."c");
    storage.write(batch).unwrap();
    assert_eq!(keys(&storage, Table::Log, "".."z", ScanLimit::NONE), ["a", "c", "d"]);
    assert_eq!(storage.get(Table::Log, b"b").unwrap(), None);
    assert_eq!(storage.get(Table::Log, b"bb").unwrap(), None);
    assert!(storage.get(Table::Log, b"c").unwrap().is_some());
    assert_eq!(storage.last(Table::Log, b""..b"c").unwrap().unwrap().0, "a");

    storage.write(puts(Table::Log, &["b"])).unwrap();
    assert_eq!(keys(&storage, Table::Log, "".."z", ScanLimit::NONE), ["a", "b", "c", "d"]);
}

pub(super) fn a_key_put_behind_a_range_deletion_of_the_same_batch_stays(
    machine: &mut impl Machine,
) {
    let storage = machine.boot();
    storage.write(puts(Table::Records, &["a", "b"])).unwrap();
    let mut batch = puts(Table::Records, &["c"]);
    batch.delete_range(Table::Records, "a".."z");
    batch.put(Table::Records, "b", "new");
    storage.write(batch).unwrap();
    assert_eq!(rows(&storage, Table::Records), [(Bytes::from("b"), Bytes::from("new"))]);
}

pub(super) fn a_trimmed_log_is_read_from_its_first_live_entry(machine: &mut impl Machine) {
    let storage = machine.boot();
    let key = |entry: u32| Bytes::copy_from_slice(&entry.to_be_bytes());
    for entry in 0..1000 {
        let mut batch = Batch::new();
        batch.put(Table::Log, key(entry), vec![7; 100]);
        if entry % 100 == 99 {
            batch.delete_range(Table::Log, key(0)..key(entry - 50));
        }
        storage.write(batch).unwrap();
    }
    machine.kill(storage);
    let storage = machine.boot();
    let found = storage.scan(Table::Log, b""..END, ScanLimit::NONE).unwrap();
    assert_eq!(found.len(), 51);
    assert_eq!(found[0].0, key(949));
    assert_eq!(storage.last(Table::Log, b""..END).unwrap().unwrap().0, key(999));
}
