//! Records: the newest content of each user.
//!
//! Key: copy, user id. Payload: epoch and seq (8 bytes each, big endian), then the record's JSON as it is served.

use bytes::Bytes;
use protocol::entry::{Change, Entry};
use protocol::id::{Epoch, Position, Seq};
use protocol::user::UserId;
use protocol::view::Member;
use ring::store::StoredRecord;

use super::seal::{self, SealError, Sealer};
use super::{StoreError, copy};
use crate::storage::{Batch, StorageReader, Table};

const POSITION_BYTES: usize = 16;

fn key(member: Member, id: &UserId) -> Bytes {
    copy::key(member, &[id.as_str().as_bytes()])
}

/// The effect of an entry on its record.
pub(super) fn apply(batch: &mut Batch, member: Member, entry: &Entry) {
    match &entry.change {
        Change::Create { id, record } | Change::Replace { id, record } => {
            let mut value = Sealer::with_capacity(POSITION_BYTES + record.len());
            value.put(&entry.position.epoch.0.to_be_bytes());
            value.put(&entry.position.seq.0.to_be_bytes());
            value.put(record);
            batch.put(Table::Records, key(member, id), value.seal());
        }
        Change::Delete { id } => batch.delete(Table::Records, key(member, id)),
    }
}

pub(super) fn get(
    reader: &dyn StorageReader,
    member: Member,
    id: &UserId,
) -> Result<Option<StoredRecord>, StoreError> {
    let value = reader.get(Table::Records, &key(member, id))?;
    let damaged =
        |error| StoreError::Row { row: format!("the {member} copy's record of a user"), error };
    value.map(|value| decode(&value).map_err(damaged)).transpose()
}

/// A record's value, opened.
pub(super) fn decode(value: &Bytes) -> Result<StoredRecord, SealError> {
    let payload = seal::open(value)?;
    let truncated = || SealError::Malformed("a record without its position".to_owned());
    let (epoch, rest) = payload.split_first_chunk().ok_or_else(truncated)?;
    let (seq, _) = rest.split_first_chunk().ok_or_else(truncated)?;
    let (epoch, seq) = (Epoch(u64::from_be_bytes(*epoch)), Seq(u64::from_be_bytes(*seq)));
    Ok(StoredRecord { position: Position { epoch, seq }, record: payload.slice(POSITION_BYTES..) })
}
