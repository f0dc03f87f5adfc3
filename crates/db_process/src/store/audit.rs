//! Audits: all that a copy holds, for tests and operators that compare copies while no process runs.

use std::collections::BTreeMap;

use protocol::entry::Entry;
use protocol::hello::Membership;
use protocol::id::{RequestId, Seq};
use protocol::message::{Cursor, RecordRow};
use protocol::user::UserId;
use protocol::view::{Member, View};
use ring_core::store::StoredRecord;

use super::{Identity, StoreError, applied, copy, log, meta, record, seal};
use crate::storage::{ScanLimit, StorageReader, Table};

/// All that a node holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Whose data it is; none if it never was opened by a node.
    pub identity: Option<Identity>,
    /// The cluster it was formed into.
    pub membership: Option<Membership>,
    /// The copy of its own partition.
    pub home: CopyAudit,
    /// The copy of its predecessor's partition.
    pub next: CopyAudit,
}

/// All that a copy holds.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyAudit {
    /// The view that it acts on.
    pub view: Option<View>,
    /// Every record that is what was written.
    pub records: BTreeMap<UserId, StoredRecord>,
    /// The log, as far as it is kept and is what was written.
    pub log: Vec<Entry>,
    /// The applied request ids.
    pub applied: Vec<(RequestId, Seq)>,
    /// How far a snapshot has come that is not complete.
    pub installing: Option<Cursor>,
    /// Whether the node has found a row that is not what was written.
    pub is_damaged: bool,
    /// The first row that is found now and is not what was written.
    pub unreadable: Option<String>,
}

/// The keys of a copy's rows, in every table but [`Table::Meta`]: for those who damage them on purpose.
pub fn keys_of(member: Member) -> std::ops::Range<bytes::Bytes> {
    copy::keys(member)
}

/// A value as a node stores it: for those who make rows on purpose.
pub fn sealed(payload: &[u8]) -> bytes::Bytes {
    seal::seal(payload)
}

/// Reads all that a node holds; every checksum is looked at.
///
/// # Errors
///
/// When the storage fails, or what is damaged is of no copy.
pub fn audit(reader: &dyn StorageReader) -> Result<Audit, StoreError> {
    Ok(Audit {
        identity: meta::identity(reader)?,
        membership: meta::membership(reader)?,
        home: audit_copy(reader, Member::Home)?,
        next: audit_copy(reader, Member::Next)?,
    })
}

fn audit_copy(reader: &dyn StorageReader, member: Member) -> Result<CopyAudit, StoreError> {
    let range = copy::all(member);
    let range = &range.start[..]..&range.end[..];
    let entries = reader.scan(Table::Log, range.clone(), ScanLimit::NONE)?;
    let rows = reader.scan(Table::Records, range, ScanLimit::NONE)?;
    let mut unreadable = None;
    let mut records = BTreeMap::new();
    for (key, value) in &rows {
        let row = readable(record::row(member, key, value), &mut unreadable)?;
        records.extend(
            row.map(|RecordRow { id, position, record }| (id, StoredRecord { position, record })),
        );
    }
    let mut log = Vec::new();
    for (_, value) in &entries {
        let logged = readable(log::decode(member, value), &mut unreadable)?;
        log.extend(logged.map(|logged| logged.entry));
    }
    let applied =
        log::find(reader, member).and_then(|log| applied::all(reader, member, log.applied));
    let applied = readable(applied, &mut unreadable)?.unwrap_or_default();
    let applied = applied.into_iter().map(|id| (id.request, id.seq)).collect();
    Ok(CopyAudit {
        view: meta::view(reader, member)?,
        records,
        log,
        applied,
        installing: meta::installing(reader, member)?,
        is_damaged: meta::is_damaged(reader, member)?,
        unreadable,
    })
}

/// What was read, if it is what was written; else that is noted.
fn readable<T>(
    read: Result<T, StoreError>,
    unreadable: &mut Option<String>,
) -> Result<Option<T>, StoreError> {
    match read.as_ref().err().and_then(StoreError::damage) {
        Some(what) => {
            unreadable.get_or_insert(what);
            Ok(None)
        }
        None => read.map(Some),
    }
}
