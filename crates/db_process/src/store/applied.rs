//! The table of applied request ids, with enough to repeat each answer (rule 12).
//!
//! Key: copy, gateway boot (16 bytes), counter (8 bytes, big endian). Payload: seq and answer in postcard's wire format.

use bytes::Bytes;
use protocol::entry::Answer;
use protocol::id::{GatewayBoot, RequestId, Seq};
use protocol::message::AppliedRow;
use protocol::view::Member;
use uuid::Uuid;

use super::seal::{self, SealError};
use super::{StoreError, copy};
use crate::storage::{Batch, ScanLimit, StorageReader, Table};

fn key(member: Member, request: RequestId) -> Bytes {
    copy::key(member, &[request.boot.0.as_bytes(), &request.counter.to_be_bytes()])
}

pub(super) fn put(batch: &mut Batch, member: Member, row: &AppliedRow) {
    let payload = postcard::to_allocvec(&(row.seq, &row.answer))
        .unwrap_or_else(|error| unreachable!("an answer always serialises: {error}"));
    batch.put(Table::Applied, key(member, row.request), seal::seal(&payload));
}

pub(super) fn delete(batch: &mut Batch, member: Member, request: RequestId) {
    batch.delete(Table::Applied, key(member, request));
}

pub(super) fn get(
    reader: &dyn StorageReader,
    member: Member,
    request: RequestId,
) -> Result<Option<Answer>, StoreError> {
    let value = reader.get(Table::Applied, &key(member, request))?;
    value.map(|value| decode(member, &value).map(|(_, answer)| answer)).transpose()
}

/// All there are, in the order of their ids.
pub(super) fn all(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Vec<(RequestId, Seq)>, StoreError> {
    let range = copy::all(member);
    let limit = ScanLimit { rows: usize::MAX, bytes: usize::MAX };
    let rows = reader.scan(Table::Applied, &range.start[..]..&range.end[..], limit)?;
    let decoded =
        rows.iter().map(|(key, value)| Ok((request_of(member, key)?, decode(member, value)?.0)));
    decoded.collect()
}

fn request_of(member: Member, key: &[u8]) -> Result<RequestId, StoreError> {
    let parts = key.split_first_chunk::<1>().and_then(|(_, rest)| rest.split_first_chunk::<16>());
    let parts = parts.and_then(|(boot, counter)| Some((boot, <[u8; 8]>::try_from(counter).ok()?)));
    let (boot, counter) = parts.ok_or_else(|| damaged(member, "its key has another length"))?;
    let boot = GatewayBoot(Uuid::from_bytes(*boot));
    Ok(RequestId { boot, counter: u64::from_be_bytes(counter) })
}

fn decode(member: Member, value: &Bytes) -> Result<(Seq, Answer), StoreError> {
    let payload = seal::open(value).map_err(|error| row(member, error))?;
    postcard::from_bytes(&payload).map_err(|error| damaged(member, &error.to_string()))
}

fn damaged(member: Member, detail: &str) -> StoreError {
    row(member, SealError::Malformed(detail.to_owned()))
}

fn row(member: Member, error: SealError) -> StoreError {
    StoreError::Row { row: format!("an applied request of the {member} copy"), error }
}
