//! Gets and scans of an open database, for either way of opening it.

use std::ops::Range;

use bytes::Bytes;
use rocksdb::{ColumnFamily, DB, DBRawIterator, ErrorKind, ReadOptions, ReadTier};

use super::failure::{from_rocksdb, no_such_table};
use crate::storage::{AtHand, ScanLimit, StorageError, StorageOperation, Table, take_limited};

pub(super) fn get(database: &DB, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
    let value = database.get_cf(family(database, table)?, key).map_err(failed)?;
    Ok(value.map(Bytes::from))
}

/// Does not wait for a closed table file or for a block outside the cache.
pub(super) fn at_hand(database: &DB, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
    let mut options = ReadOptions::default();
    options.set_read_tier(ReadTier::BlockCache);
    match database.get_pinned_cf_opt(family(database, table)?, key, &options) {
        Ok(value) => Ok(value.map(|value| Bytes::copy_from_slice(&value)).into()),
        Err(error) if error.kind() == ErrorKind::Incomplete => Ok(AtHand::Unknown),
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn scan(
    database: &DB,
    table: Table,
    range: Range<&[u8]>,
    limit: ScanLimit,
) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
    let Some(mut iterator) = iterate(database, table, range)? else { return Ok(Vec::new()) };
    iterator.seek_to_first();
    let mut first = true;
    let rows = std::iter::from_fn(|| {
        if !first {
            iterator.next();
        }
        first = false;
        row(&iterator).transpose()
    });
    take_limited(rows, limit)
}

pub(super) fn last(
    database: &DB,
    table: Table,
    range: Range<&[u8]>,
) -> Result<Option<(Bytes, Bytes)>, StorageError> {
    let Some(mut iterator) = iterate(database, table, range)? else { return Ok(None) };
    iterator.seek_to_last();
    row(&iterator)
}

/// An iterator over the keys of the range alone, or `None` if the range is empty.
///
/// The bounds are RocksDB's own. Without them RocksDB would step over deleted keys outside the
/// range.
fn iterate<'a>(
    database: &'a DB,
    table: Table,
    range: Range<&[u8]>,
) -> Result<Option<DBRawIterator<'a>>, StorageError> {
    if range.start >= range.end {
        return Ok(None);
    }
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(range.start);
    options.set_iterate_upper_bound(range.end);
    Ok(Some(database.raw_iterator_cf_opt(family(database, table)?, options)))
}

/// The row at the iterator. There is none at the end of the range, and none after an error.
fn row(iterator: &DBRawIterator<'_>) -> Result<Option<(Bytes, Bytes)>, StorageError> {
    match iterator.item() {
        Some((key, value)) => {
            Ok(Some((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))))
        }
        None => iterator.status().map_err(failed).map(|()| None),
    }
}

fn family(database: &DB, table: Table) -> Result<&ColumnFamily, StorageError> {
    database.cf_handle(table.name()).ok_or_else(|| no_such_table(StorageOperation::Read, table))
}

fn failed(error: rocksdb::Error) -> StorageError {
    from_rocksdb(StorageOperation::Read, &error)
}
