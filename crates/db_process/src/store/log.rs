//! Log entries, in order.
//!
//! Key: copy, seq (8 bytes, big endian). Payload: the entry, then the seq of the oldest entry
//! whose request is in the table of applied ids after this entry, both in postcard's wire
//! format. (The first format of the storage has only the entry.)

use std::ops::{Range, RangeInclusive};

use bytes::Bytes;
use protocol::entry::Entry;
use protocol::id::{RequestId, Seq};
use ring_core::store::Budget;

use super::copy::{self, StoredCopy};
use super::error::StoreError;
use super::seal::{self, SealError, Sealer};
use crate::storage::{Batch, ScanLimit, StorageReader, Table};

/// The most bytes for the numbers around a record.
const NUMBERS_BYTES_MAX: usize = 96;

/// An entry as stored in the log.
pub(super) struct Logged {
    pub(super) entry: Entry,
    /// From this seq up to the entry, the log is the table of applied ids. `None` for an entry
    /// of the first format: there every applied id has a row of its own.
    pub(super) oldest_applied: Option<Seq>,
}

fn key(copy: StoredCopy, seq: Seq) -> Bytes {
    copy.key(&[&seq.0.to_be_bytes()])
}

pub(super) fn put(batch: &mut Batch, copy: StoredCopy, entry: &Entry, oldest_applied: Seq) {
    let mut value = Sealer::with_capacity(NUMBERS_BYTES_MAX + entry.size_bytes());
    value.append(entry);
    value.append(&oldest_applied);
    batch.put(Table::Log, key(copy, entry.position.seq), value.seal());
}

/// Stores an entry in the way of an older release.
#[cfg(test)]
pub(super) fn put_in_the_first_format(batch: &mut Batch, copy: StoredCopy, entry: &Entry) {
    let mut value = Sealer::with_capacity(NUMBERS_BYTES_MAX);
    value.append(entry);
    batch.put(Table::Log, key(copy, entry.position.seq), value.seal());
}

/// Removes the entries below one.
pub(super) fn trim(batch: &mut Batch, copy: StoredCopy, below: Seq) {
    batch.delete_range(Table::Log, key(copy, Seq::ZERO)..key(copy, below));
}

fn last(reader: &dyn StorageReader, copy: StoredCopy) -> Result<Option<Logged>, StoreError> {
    let range = copy.keys();
    let last = reader.last(Table::Log, &range.start[..]..&range.end[..])?;
    last.map(|(_, value)| decode(copy, &value)).transpose()
}

/// The last readable entry.
pub(super) fn last_readable(
    reader: &dyn StorageReader,
    copy: StoredCopy,
) -> Result<Option<Entry>, StoreError> {
    let Range { start, mut end } = copy.keys();
    while let Some((key, value)) = reader.last(Table::Log, &start[..]..&end[..])? {
        match decode(copy, &value) {
            Ok(Logged { entry, .. })
                if seq_of(copy, &key).is_ok_and(|seq| seq == entry.position.seq) =>
            {
                return Ok(Some(entry));
            }
            Err(error) if error.damage().is_none() => return Err(error),
            Ok(_) | Err(_) => end = key,
        }
    }
    Ok(None)
}

/// The content of a log at a start.
#[derive(Default)]
pub(super) struct Found {
    /// The last entry.
    pub(super) last: Option<Entry>,
    /// The seq of each entry, with the bytes of its value.
    pub(super) sizes: Vec<(Seq, usize)>,
    /// The entries whose requests are applied ids, taken from the log.
    pub(super) applied: Vec<(RequestId, Seq)>,
}

/// Steps over all entries, and decodes the entries needed for the applied ids.
pub(super) fn find(reader: &dyn StorageReader, copy: StoredCopy) -> Result<Found, StoreError> {
    const STEP: ScanLimit = ScanLimit { rows: 4_096, bytes: 4 << 20 };
    let Some(last) = last(reader, copy)? else { return Ok(Found::default()) };
    let unsettled = last.entry.unsettled();
    let mut found = Found { last: Some(last.entry), ..Found::default() };
    let mut expected = last.oldest_applied;
    let Range { mut start, end } = copy.keys();
    loop {
        let rows = reader.scan(Table::Log, &start[..]..&end[..], STEP)?;
        let Some((key, _)) = rows.last() else { return Ok(found) };
        start = copy.key(&[copy::rest(key), &[0]]);
        for (key, value) in &rows {
            let seq = seq_of(copy, key)?;
            found.sizes.push((seq, value.len()));
            if last.oldest_applied.is_none_or(|oldest| seq < oldest) {
                continue;
            }
            let entry = decode(copy, value)?.entry;
            if expected != Some(seq) || entry.position.seq != seq {
                return Err(gap(copy, &entry));
            }
            expected = Some(seq.next());
            if unsettled.contains(&entry.request) {
                found.applied.push((entry.request, seq));
            }
        }
    }
}

fn seq_of(copy: StoredCopy, key: &[u8]) -> Result<Seq, StoreError> {
    let seq = <[u8; 8]>::try_from(copy::rest(key));
    let unnamed = |_| StoreError::Inconsistent(format!("a {copy} entry under no number"));
    seq.map(|seq| Seq(u64::from_be_bytes(seq))).map_err(unnamed)
}

/// Entries in order, without gaps, as far as the budget goes.
pub(super) fn entries(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    seqs: RangeInclusive<Seq>,
    budget: Budget,
) -> Result<Vec<Entry>, StoreError> {
    let (from, to) = (key(copy, *seqs.start()), key(copy, seqs.end().next()));
    let limit = ScanLimit { rows: budget.rows_max.max(1), bytes: budget.bytes_max };
    let rows = reader.scan(Table::Log, &from[..]..&to[..], limit)?;
    let entries = rows
        .iter()
        .map(|(_, value)| decode(copy, value).map(|logged| logged.entry))
        .collect::<Result<Vec<_>, _>>()?;
    let mut expected = entries.first().map(|entry| entry.position.seq);
    for entry in &entries {
        if expected != Some(entry.position.seq) {
            return Err(gap(copy, entry));
        }
        expected = expected.map(Seq::next);
    }
    Ok(entries)
}

fn gap(copy: StoredCopy, before: &Entry) -> StoreError {
    let position = before.position;
    StoreError::Inconsistent(format!("the {copy} copy's log has a gap at entry {position}"))
}

/// An entry's value, opened.
pub(super) fn decode(copy: StoredCopy, value: &Bytes) -> Result<Logged, StoreError> {
    let opened = seal::open(value).and_then(|payload| parse(&payload));
    opened.map_err(|error| StoreError::Row {
        row: format!("an entry of the {copy} copy's log"),
        error,
    })
}

fn parse(payload: &[u8]) -> Result<Logged, SealError> {
    let malformed = |error: postcard::Error| SealError::Malformed(error.to_string());
    let (entry, rest) = postcard::take_from_bytes(payload).map_err(malformed)?;
    let oldest_applied = match rest {
        [] => None,
        // Not decoded as a `Seq`: this number may be one above the last one allowed in a frame.
        rest => Some(Seq(postcard::from_bytes(rest).map_err(malformed)?)),
    };
    Ok(Logged { entry, oldest_applied })
}
