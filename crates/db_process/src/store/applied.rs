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
use ring_core::store::{AnswerIn, AppliedId};
use uuid::Uuid;

use super::copy::{self, StoredCopy};
use super::error::StoreError;
use super::seal::{self, SealError, Sealer};
use crate::storage::{Batch, ScanLimit, StorageReader, Table};

/// The usual size of a row, unless its record is large.
const VALUE_BYTES: usize = 256;

fn key(copy: StoredCopy, request: RequestId) -> Bytes {
    copy.key(&[request.boot.0.as_bytes(), &request.counter.to_be_bytes()])
}

pub(super) fn put(batch: &mut Batch, copy: StoredCopy, row: &AppliedRow) {
    let mut value = Sealer::with_capacity(VALUE_BYTES);
    value.append(&(row.seq, &row.answer));
    batch.put(Table::Applied, key(copy, row.request), value.seal());
}

pub(super) fn delete(batch: &mut Batch, copy: StoredCopy, request: RequestId) {
    batch.delete(Table::Applied, key(copy, request));
}

pub(super) fn get(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    request: RequestId,
) -> Result<Option<Answer>, StoreError> {
    let value = reader.get(Table::Applied, &key(copy, request))?;
    value.map(|value| decode(copy, &value).map(|(_, answer)| answer)).transpose()
}

/// All applied ids in order: those with rows, and those in the log.
pub(super) fn all(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    logged: Vec<(RequestId, Seq)>,
) -> Result<Vec<AppliedId>, StoreError> {
    let logged = logged.into_iter();
    let logged = logged.map(|(request, seq)| AppliedId { request, seq, answer: AnswerIn::Log });
    let mut applied: BTreeMap<RequestId, AppliedId> = logged.map(|id| (id.request, id)).collect();
    let range = copy.keys();
    let range = &range.start[..]..&range.end[..];
    for (key, value) in &reader.scan(Table::Applied, range, ScanLimit::NONE)? {
        let (request, (seq, _)) = (request_of(copy, key)?, decode(copy, value)?);
        applied.insert(request, AppliedId { request, seq, answer: AnswerIn::Row });
    }
    Ok(applied.into_values().collect())
}

fn request_of(copy: StoredCopy, key: &[u8]) -> Result<RequestId, StoreError> {
    let parts = copy::rest(key).split_first_chunk::<16>();
    let parts = parts.and_then(|(boot, counter)| Some((boot, <[u8; 8]>::try_from(counter).ok()?)));
    let (boot, counter) = parts.ok_or_else(|| damaged(copy, "its key has another length"))?;
    let boot = GatewayBoot(Uuid::from_bytes(*boot));
    Ok(RequestId { boot, counter: u64::from_be_bytes(counter) })
}

fn decode(copy: StoredCopy, value: &Bytes) -> Result<(Seq, Answer), StoreError> {
    let payload = seal::open(value).map_err(|error| row(copy, error))?;
    postcard::from_bytes(&payload).map_err(|error| damaged(copy, &error.to_string()))
}

fn damaged(copy: StoredCopy, detail: &str) -> StoreError {
    row(copy, SealError::Malformed(detail.to_owned()))
}

fn row(copy: StoredCopy, error: SealError) -> StoreError {
    StoreError::Row { row: format!("an applied request of the {copy} copy"), error }
}

#[cfg(test)]
mod tests {
    use protocol::entry::{Change, Entry};
    use protocol::id::{Epoch, PartitionId, Position};

    use super::*;
    use crate::storage::Storage;
    use crate::storage::memory::MemoryDisk;
    use crate::store::log;

    const COPY: StoredCopy =
        StoredCopy { partition: PartitionId(3), member: protocol::view::Member::Home };

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
        let logged = log::find(&storage, COPY).unwrap().applied;
        all(&storage, COPY, logged).unwrap()
    }

    fn id(seq: u64, answer: AnswerIn) -> AppliedId {
        AppliedId { request: request(seq), seq: Seq(seq), answer }
    }

    #[test]
    fn the_log_is_the_table_as_far_as_its_last_entry_says() {
        let found = found(|batch| {
            for (seq, oldest) in [(4, 4), (5, 4), (6, 5), (7, 5)] {
                let unsettled_from = if seq == 7 { 5 } else { 1 };
                log::put(batch, COPY, &entry(seq, unsettled_from), Seq(oldest));
            }
            put(batch, COPY, &row(2));
        });
        let logged = [5, 6, 7].map(|seq| id(seq, AnswerIn::Log));
        assert_eq!(found, [&[id(2, AnswerIn::Row)], &logged[..]].concat());
    }

    #[test]
    fn in_the_first_format_every_entry_had_its_row() {
        let found = found(|batch| {
            for seq in [1, 2] {
                log::put_in_the_first_format(batch, COPY, &entry(seq, 1));
                put(batch, COPY, &row(seq));
            }
        });
        assert_eq!(found, [1, 2].map(|seq| id(seq, AnswerIn::Row)));
    }
}
