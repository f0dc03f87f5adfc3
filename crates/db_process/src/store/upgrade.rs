//! The upgrade of rows from older formats, at the first start of a release that writes a newer
//! one.
//!
//! | format | key of a copy's row | key of its row in `Meta` |
//! |---|---|---|
//! | 1, 2 | member, the rest | a name such as `view-of-home` |
//! | 3 | partition, member, the rest ([`copy`](super::copy)) | partition, member, `view` |
//!
//! The file `FORMAT` names the newer format before the first row changes, so that no older
//! release opens the directory any more. Each batch moves some rows: it puts them under their new
//! keys and removes the old ones. After a crash the rows left behind are moved by the next start.
//! Values stay as they are, damaged ones too.

use bytes::Bytes;
use protocol::view::Member;
use tracing::info;

use super::copy::{Copies, StoredCopy};
use super::error::StoreError;
use crate::storage::{Batch, ScanLimit, Storage, StorageReader, Table};

/// The rows moved by one batch. Few in tests, so that a table takes several batches.
const STEP: ScanLimit = ScanLimit { rows: if cfg!(test) { 2 } else { 4_096 }, bytes: 1 << 20 };

/// The first byte of each old key of a copy.
const OLD_PREFIXES: [(Member, u8); 2] = [(Member::Home, 1), (Member::Next, 2)];

/// The rows of `Meta` about a copy: the name in an old key, before `-of-home` or `-of-next`, is
/// the name in the new one.
const NAMES: [&str; 5] = ["view", "log-from", "installing", "damaged", "salvage"];

/// Whether there are rows of an older format.
pub(super) fn is_due(reader: &dyn StorageReader) -> Result<bool, StoreError> {
    for (_, prefix) in OLD_PREFIXES {
        for table in [Table::Records, Table::Log, Table::Applied] {
            if reader.last(table, &[prefix][..]..&[prefix + 1][..])?.is_some() {
                return Ok(true);
            }
        }
    }
    for (member, _) in OLD_PREFIXES {
        for name in NAMES {
            if reader.get(Table::Meta, old_name(name, member).as_bytes())?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Moves all rows of older formats. The caller makes that durable.
///
/// # Errors
///
/// When the storage fails.
pub(super) fn run(storage: &dyn Storage, copies: Copies) -> Result<(), StoreError> {
    info!("the rows of an older release get their new keys; this may take a while");
    let mut moved = 0_usize;
    for (member, prefix) in OLD_PREFIXES {
        let copy = copies.get(member);
        move_meta(storage, copy)?;
        for table in [Table::Records, Table::Log, Table::Applied] {
            moved = moved.saturating_add(move_rows(storage, table, prefix, copy)?);
        }
    }
    info!(rows = moved, "the stored rows have the keys of the new format");
    Ok(())
}

/// Moves the rows of a copy in one table; returns their number.
fn move_rows(
    storage: &dyn Storage,
    table: Table,
    prefix: u8,
    copy: StoredCopy,
) -> Result<usize, StoreError> {
    let (mut from, end) = (Bytes::from(vec![prefix]), [prefix + 1]);
    let mut moved = 0_usize;
    loop {
        let rows = storage.scan(table, &from[..]..&end[..], STEP)?;
        let Some((last, _)) = rows.last() else { return Ok(moved) };
        // The smallest key above the last one.
        let then = Bytes::from([&last[..], &[0]].concat());
        let mut batch = Batch::new();
        batch.delete_range(table, from..then.clone());
        for (key, value) in &rows {
            batch.put(table, copy.key(&[&key[1..]]), value.clone());
        }
        storage.write(batch)?;
        moved = moved.saturating_add(rows.len());
        from = then;
    }
}

fn move_meta(storage: &dyn Storage, copy: StoredCopy) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    for name in NAMES {
        let old = old_name(name, copy.member);
        if let Some(value) = storage.get(Table::Meta, old.as_bytes())? {
            batch.put(Table::Meta, copy.key(&[name.as_bytes()]), value);
            batch.delete(Table::Meta, old.into_bytes());
        }
    }
    if batch.is_empty() { Ok(()) } else { Ok(storage.write(batch)?) }
}

fn old_name(name: &str, member: Member) -> String {
    match member {
        Member::Home => format!("{name}-of-home"),
        Member::Next => format!("{name}-of-next"),
    }
}
