//! Records: the newest content of each user.
//!
//! Key: copy, user id. Payload: epoch and seq (8 bytes each, big endian), then the record's JSON
//! as it is served.

use bytes::Bytes;
use protocol::entry::{Change, Entry};
use protocol::id::{COUNTED_MAX, Epoch, Position, Seq};
use protocol::message::RecordRow;
use protocol::user::{RecordJson, User, UserId};
use ring_core::store::{AtHand, Budget, RecordKey, StoredRecord, Unreadable};

use super::copy::{self, StoredCopy};
use super::error::StoreError;
use super::seal::{self, SealError, Sealer};
use crate::storage::{self, Batch, ScanLimit, StorageReader, Table};

const POSITION_BYTES: usize = 16;

fn key(copy: StoredCopy, id: &UserId) -> Bytes {
    copy.key(&[id.as_str().as_bytes()])
}

/// The effect of an entry on its record.
pub(super) fn apply(batch: &mut Batch, copy: StoredCopy, entry: &Entry) {
    match &entry.change {
        Change::Create { id, record } | Change::Replace { id, record } => {
            put_value(batch, key(copy, id), entry.position, record);
        }
        Change::Delete { id } => batch.delete(Table::Records, key(copy, id)),
    }
}

/// Stores a record from a snapshot.
pub(super) fn put(batch: &mut Batch, copy: StoredCopy, row: &RecordRow) {
    put_value(batch, key(copy, &row.id), row.position, &row.record);
}

fn put_value(batch: &mut Batch, key: Bytes, position: Position, record: &RecordJson) {
    let mut value = Sealer::with_capacity(POSITION_BYTES + record.len());
    value.put(&position.epoch.0.to_be_bytes());
    value.put(&position.seq.0.to_be_bytes());
    value.put(record);
    batch.put(Table::Records, key, value.seal());
}

/// The records after one, or from the first, as far as the budget goes.
pub(super) fn after(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    after: Option<&UserId>,
    budget: Budget,
) -> Result<Vec<RecordRow>, StoreError> {
    let all = copy.keys();
    // The smallest key above a user's key is the same key with one zero byte more.
    let from = after.map_or(all.start, |id| copy.key(&[id.as_str().as_bytes(), &[0]]));
    let limit = ScanLimit { rows: budget.rows_max.max(1), bytes: budget.bytes_max };
    let rows = reader.scan(Table::Records, &from[..]..&all.end[..], limit)?;
    rows.iter().map(|(key, value)| row(copy, key, value)).collect()
}

/// The unreadable rows among the rows after one, as many rows as the budget has. A record
/// without a valid user counts too, because no update of it can be decided.
pub(super) fn unreadable(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    after: Option<&RecordKey>,
    budget: Budget,
) -> Result<Unreadable, StoreError> {
    let all = copy.keys();
    let from = after.map_or(all.start, |RecordKey(key)| copy.key(&[key, &[0]]));
    let limit = ScanLimit { rows: budget.rows_max.max(1), bytes: budget.bytes_max };
    let rows = reader.scan(Table::Records, &from[..]..&all.end[..], limit)?;
    let key_of = |key: &Bytes| RecordKey(copy::rest(key).to_vec());
    let mut keys = Vec::new();
    for (key, value) in &rows {
        match row(copy, key, value) {
            Ok(row) if User::from_json(&row.record).is_ok() => {}
            Err(error) if error.damage().is_none() => return Err(error),
            Ok(_) | Err(_) => keys.push(key_of(key)),
        }
    }
    Ok(Unreadable { keys, to: rows.last().map(|(key, _)| key_of(key)) })
}

/// Removes a row, whatever its key is.
pub(super) fn delete(batch: &mut Batch, copy: StoredCopy, RecordKey(key): &RecordKey) {
    batch.delete(Table::Records, copy.key(&[key]));
}

/// A row of the table.
pub(super) fn row(copy: StoredCopy, key: &Bytes, value: &Bytes) -> Result<RecordRow, StoreError> {
    let id = std::str::from_utf8(copy::rest(key)).ok().and_then(|id| id.parse().ok());
    let id: UserId =
        id.ok_or_else(|| StoreError::Inconsistent(format!("a {copy} record under no id")))?;
    let StoredRecord { position, record } = open(copy, value)?;
    Ok(RecordRow { id, position, record })
}

pub(super) fn get(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    id: &UserId,
) -> Result<Option<StoredRecord>, StoreError> {
    let value = reader.get(Table::Records, &key(copy, id))?;
    value.map(|value| open(copy, &value)).transpose()
}

/// The same, without waiting for the disk.
pub(super) fn at_hand(
    reader: &dyn StorageReader,
    copy: StoredCopy,
    id: &UserId,
) -> Result<AtHand, StoreError> {
    Ok(match reader.at_hand(Table::Records, &key(copy, id))? {
        storage::AtHand::Value(value) => AtHand::Record(open(copy, &value)?),
        storage::AtHand::Absent => AtHand::Absent,
        storage::AtHand::Unknown => AtHand::Unknown,
    })
}

fn open(copy: StoredCopy, value: &Bytes) -> Result<StoredRecord, StoreError> {
    let row = || format!("the {copy} copy's record of a user");
    decode(value).map_err(|error| StoreError::Row { row: row(), error })
}

/// A record's value, opened.
pub(super) fn decode(value: &Bytes) -> Result<StoredRecord, SealError> {
    let payload = seal::open(value)?;
    let truncated = || SealError::Malformed("a record without its position".to_owned());
    let (epoch, rest) = payload.split_first_chunk().ok_or_else(truncated)?;
    let (seq, _) = rest.split_first_chunk().ok_or_else(truncated)?;
    let (epoch, seq) = (u64::from_be_bytes(*epoch), u64::from_be_bytes(*seq));
    if epoch.max(seq) > COUNTED_MAX {
        // No frame could hold it.
        return Err(SealError::Malformed(
            "a record at a position that nobody has counted to".to_owned(),
        ));
    }
    let (epoch, seq) = (Epoch(epoch), Seq(seq));
    Ok(StoredRecord { position: Position { epoch, seq }, record: payload.slice(POSITION_BYTES..) })
}
