//! Log entries, in order.
//!
//! Key: copy, seq (8 bytes, big endian). Payload: the entry in postcard's wire format.

use std::ops::RangeInclusive;

use bytes::Bytes;
use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::view::Member;
use ring::store::Budget;

use super::seal::{self, SealError};
use super::{StoreError, copy};
use crate::storage::{Batch, ScanLimit, StorageReader, Table};

fn key(member: Member, seq: Seq) -> Bytes {
    copy::key(member, &[&seq.0.to_be_bytes()])
}

pub(super) fn put(batch: &mut Batch, member: Member, entry: &Entry) {
    let payload = postcard::to_allocvec(entry)
        .unwrap_or_else(|error| unreachable!("an entry always serialises: {error}"));
    batch.put(Table::Log, key(member, entry.position.seq), seal::seal(&payload));
}

/// Removes the entries below one.
pub(super) fn trim(batch: &mut Batch, member: Member, below: Seq) {
    batch.delete_range(Table::Log, key(member, Seq::ZERO)..key(member, below));
}

/// The last entry.
pub(super) fn last(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Option<Entry>, StoreError> {
    let range = copy::all(member);
    let last = reader.last(Table::Log, &range.start[..]..&range.end[..])?;
    last.map(|(_, value)| decode(member, &value)).transpose()
}

/// All entries, with the bytes that each takes.
pub(super) fn sizes(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Vec<(Seq, usize)>, StoreError> {
    const STEP: ScanLimit = ScanLimit { rows: 4_096, bytes: 4 << 20 };
    let all = copy::keys(member);
    let (mut from, mut sizes) = (all.start, Vec::new());
    loop {
        let rows = reader.scan(Table::Log, &from[..]..&all.end[..], STEP)?;
        let Some((last, _)) = rows.last() else { return Ok(sizes) };
        from = copy::key(member, &[&last[1..], &[0]]);
        for (key, value) in &rows {
            let seq = key.split_first().and_then(|(_, seq)| <[u8; 8]>::try_from(seq).ok());
            let unnamed = || StoreError::Inconsistent(format!("a {member} entry under no number"));
            let seq = seq.ok_or_else(unnamed)?;
            sizes.push((Seq(u64::from_be_bytes(seq)), value.len()));
        }
    }
}

/// Entries in order, without gaps, as far as the budget goes.
pub(super) fn entries(
    reader: &dyn StorageReader,
    member: Member,
    seqs: RangeInclusive<Seq>,
    budget: Budget,
) -> Result<Vec<Entry>, StoreError> {
    let (from, to) = (key(member, *seqs.start()), key(member, seqs.end().next()));
    let limit = ScanLimit { rows: budget.rows_max.max(1), bytes: budget.bytes_max };
    let rows = reader.scan(Table::Log, &from[..]..&to[..], limit)?;
    let entries =
        rows.iter().map(|(_, value)| decode(member, value)).collect::<Result<Vec<_>, _>>()?;
    let mut expected = entries.first().map(|entry| entry.position.seq);
    for entry in &entries {
        if expected != Some(entry.position.seq) {
            let detail = format!("the {member} copy's log has a gap at entry {}", entry.position);
            return Err(StoreError::Inconsistent(detail));
        }
        expected = expected.map(Seq::next);
    }
    Ok(entries)
}

/// An entry's value, opened.
pub(super) fn decode(member: Member, value: &Bytes) -> Result<Entry, StoreError> {
    let malformed = |error: postcard::Error| SealError::Malformed(error.to_string());
    let entry =
        seal::open(value).and_then(|payload| postcard::from_bytes(&payload).map_err(malformed));
    entry.map_err(|error| StoreError::Row {
        row: format!("an entry of the {member} copy's log"),
        error,
    })
}
