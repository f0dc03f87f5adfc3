//! The table of applied request ids, with enough to repeat each answer (rule 12). It holds only
//! the ids from a snapshot.
//!
//! Key: copy, gateway boot (16 bytes), counter (8 bytes, big endian). Payload: seq and answer in
//! postcard's wire format.
//!
//! The ids of later entries are in the log. (In the first format of the storage every entry had
//! its row here.)

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::entry::Answer;
use protocol::id::{GatewayBoot, RequestId, Seq};
use protocol::message::AppliedRow;
use protocol::view::Member;
use ring_core::store::{AnswerIn, AppliedId};
use uuid::Uuid;

use super::seal::{self, SealError, Sealer};
use super::{StoreError, copy};
use crate::storage::{Batch, ScanLimit, StorageReader, Table};

/// The usual size of a row, unless its record is large.
const VALUE_BYTES: usize = 256;

fn key(member: Member, request: RequestId) -> Bytes {
    copy::key(member, &[request.boot.0.as_bytes(), &request.counter.to_be_bytes()])
}

pub(super) fn put(batch: &mut Batch, member: Member, row: &AppliedRow) {
    let mut value = Sealer::with_capacity(VALUE_BYTES);
    value.append(&(row.seq, &row.answer));
    batch.put(Table::Applied, key(member, row.request), value.seal());
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

/// All applied ids in order: those with rows, and those in the log.
pub(super) fn all(
    reader: &dyn StorageReader,
    member: Member,
    logged: Vec<(RequestId, Seq)>,
) -> Result<Vec<AppliedId>, StoreError> {
    let logged = logged.into_iter();
    let logged = logged.map(|(request, seq)| AppliedId { request, seq, answer: AnswerIn::Log });
    let mut applied: BTreeMap<RequestId, AppliedId> = logged.map(|id| (id.request, id)).collect();
    let range = copy::all(member);
    let range = &range.start[..]..&range.end[..];
    for (key, value) in &reader.scan(Table::Applied, range, ScanLimit::NONE)? {
        let (request, (seq, _)) = (request_of(member, key)?, decode(member, value)?);
        applied.insert(request, AppliedId { request, seq, answer: AnswerIn::Row });
    }
    Ok(applied.into_values().collect())
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

#[cfg(test)]
mod tests {
    use protocol::entry::{Change, Entry};
    use protocol::id::{Epoch, Position};

    use super::*;
    use crate::storage::Storage;
    use crate::storage::memory::MemoryDisk;
    use crate::store::log;

    const BOOT: GatewayBoot = GatewayBoot(Uuid::from_u128(1));

    fn request(counter: u64) -> RequestId {
        RequestId { boot: BOOT, counter }
    }

    /// The entry that deletes a user, for the request with the same number.
    fn entry(seq: u64, unsettled_from: u64) -> Entry {
        Entry {
            position: Position { epoch: Epoch(1), seq: Seq(seq) },
            request: request(seq),
            unsettled_from,
            change: Change::Delete { id: "ada".parse().unwrap() },
        }
    }

    fn row(seq: u64) -> AppliedRow {
        AppliedRow { request: request(seq), seq: Seq(seq), answer: Answer::Deleted }
    }

    fn found(write: impl FnOnce(&mut Batch)) -> Vec<AppliedId> {
        let storage = MemoryDisk::new().open();
        let mut batch = Batch::new();
        write(&mut batch);
        storage.write(batch).unwrap();
        let logged = log::find(&storage, Member::Home).unwrap().applied;
        all(&storage, Member::Home, logged).unwrap()
    }

    fn id(seq: u64, answer: AnswerIn) -> AppliedId {
        AppliedId { request: request(seq), seq: Seq(seq), answer }
    }

    #[test]
    fn the_log_is_the_table_as_far_as_its_last_entry_says() {
        let found = found(|batch| {
            for (seq, oldest) in [(4, 4), (5, 4), (6, 5), (7, 5)] {
                let unsettled_from = if seq == 7 { 5 } else { 1 };
                log::put(batch, Member::Home, &entry(seq, unsettled_from), Seq(oldest));
            }
            put(batch, Member::Home, &row(2));
        });
        let logged = [5, 6, 7].map(|seq| id(seq, AnswerIn::Log));
        assert_eq!(found, [&[id(2, AnswerIn::Row)], &logged[..]].concat());
    }

    #[test]
    fn in_the_first_format_every_entry_had_its_row() {
        let found = found(|batch| {
            for seq in [1, 2] {
                log::put_in_the_first_format(batch, Member::Home, &entry(seq, 1));
                put(batch, Member::Home, &row(seq));
            }
        });
        assert_eq!(found, [1, 2].map(|seq| id(seq, AnswerIn::Row)));
    }
}
