//! Audits: the data of a node, for tests, and for operators comparing copies while no process
//! runs.

use std::collections::BTreeMap;

use protocol::entry::Entry;
use protocol::hello::Membership;
use protocol::id::{RequestId, Seq};
use protocol::message::{Cursor, RecordRow};
use protocol::user::UserId;
use protocol::view::{Member, View};
use ring_core::store::StoredRecord;

use super::copy::{Copies, StoredCopy};
use super::error::StoreError;
use super::{Identity, applied, log, meta, record, seal, upgrade};
use crate::storage::{ScanLimit, StorageReader, Table};

/// The data of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The owner of the data; `None` if no node ever opened it.
    pub identity: Option<Identity>,
    /// The membership in its cluster.
    pub membership: Option<Membership>,
    /// The copy of its own partition.
    pub home: CopyAudit,
    /// The copy of its predecessor's partition.
    pub next: CopyAudit,
}

/// The data of a copy, without the stored start of its log and its salvage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CopyAudit {
    /// The view stored for the copy.
    pub view: Option<View>,
    /// Every undamaged record.
    pub records: BTreeMap<UserId, StoredRecord>,
    /// The undamaged entries still in the log.
    pub log: Vec<Entry>,
    /// The applied request ids.
    pub applied: Vec<(RequestId, Seq)>,
    /// The progress of an incomplete snapshot.
    pub installing: Option<Cursor>,
    /// Whether the node knows of a damaged row.
    pub is_damaged: bool,
    /// The first damaged row found by this audit.
    pub unreadable: Option<String>,
}

/// The keys of a copy's rows, in every table except [`Table::Meta`]: for tests that damage rows.
/// Empty if the node is in no ring.
///
/// # Errors
///
/// When the rows about the node cannot be read.
pub fn keys_of(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<std::ops::Range<bytes::Bytes>, StoreError> {
    Ok(copies(reader)?.map(|copies| copies.get(member).keys()).unwrap_or_default())
}

/// A value as a node stores it: for tests that make rows.
pub fn sealed(payload: &[u8]) -> bytes::Bytes {
    seal::seal(payload)
}

/// Reads the data of a node, and checks every checksum.
///
/// # Errors
///
/// When the storage fails, a row of `Meta` is damaged, or another release wrote a row.
pub fn audit(reader: &dyn StorageReader) -> Result<Audit, StoreError> {
    let copies = copies(reader)?;
    let audit_member = |member| match copies {
        Some(copies) => audit_copy(reader, copies.get(member)),
        None => Ok(CopyAudit::default()),
    };
    Ok(Audit {
        identity: meta::identity(reader)?,
        membership: meta::membership(reader)?,
        home: audit_member(Member::Home)?,
        next: audit_member(Member::Next)?,
    })
}

/// The copies of a node; `None` if it is in no ring.
fn copies(reader: &dyn StorageReader) -> Result<Option<Copies>, StoreError> {
    if upgrade::is_due(reader)? {
        let detail = "its rows are in an older format: start the node once, it upgrades them";
        return Err(StoreError::Inconsistent(detail.to_owned()));
    }
    match (meta::identity(reader)?, meta::membership(reader)?) {
        (Some(identity), Some(membership)) => Copies::of(&identity.node, &membership).map(Some),
        _ => Ok(None),
    }
}

fn audit_copy(reader: &dyn StorageReader, copy: StoredCopy) -> Result<CopyAudit, StoreError> {
    let range = copy.keys();
    let range = &range.start[..]..&range.end[..];
    let entries = reader.scan(Table::Log, range.clone(), ScanLimit::NONE)?;
    let rows = reader.scan(Table::Records, range, ScanLimit::NONE)?;
    let mut unreadable = None;
    let mut records = BTreeMap::new();
    for (key, value) in &rows {
        let row = readable(record::row(copy, key, value), &mut unreadable)?;
        records.extend(
            row.map(|RecordRow { id, position, record }| (id, StoredRecord { position, record })),
        );
    }
    let mut log = Vec::new();
    for (_, value) in &entries {
        let logged = readable(log::decode(copy, value), &mut unreadable)?;
        log.extend(logged.map(|logged| logged.entry));
    }
    let applied = log::find(reader, copy).and_then(|log| applied::all(reader, copy, log.applied));
    let applied = readable(applied, &mut unreadable)?.unwrap_or_default();
    let applied = applied.into_iter().map(|id| (id.request, id.seq)).collect();
    Ok(CopyAudit {
        view: meta::view(reader, copy)?,
        records,
        log,
        applied,
        installing: meta::installing(reader, copy)?,
        is_damaged: meta::is_damaged(reader, copy)?,
        unreadable,
    })
}

/// The result of a read, if it is not damaged. Otherwise notes the first damage.
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
