//! Audits: all that a copy holds, for tests and operators that compare copies while no process runs.

use std::collections::BTreeMap;

use protocol::entry::Entry;
use protocol::hello::Membership;
use protocol::id::{RequestId, Seq};
use protocol::message::{Cursor, RecordRow};
use protocol::user::UserId;
use protocol::view::{Member, View};
use ring::store::StoredRecord;

use super::{Identity, StoreError, applied, copy, log, meta, record};
use crate::storage::{ScanLimit, StorageReader, Table};

const EVERYTHING: ScanLimit = ScanLimit { rows: usize::MAX, bytes: usize::MAX };

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
    /// Every record.
    pub records: BTreeMap<UserId, StoredRecord>,
    /// The log, as far as it is kept.
    pub log: Vec<Entry>,
    /// The applied request ids.
    pub applied: Vec<(RequestId, Seq)>,
    /// How far a snapshot has come that is not complete.
    pub installing: Option<Cursor>,
    /// Whether a row was found that is not what was written.
    pub is_damaged: bool,
}

/// The keys of a copy's rows, in every table but [`Table::Meta`]: for those who damage them on purpose.
pub fn keys_of(member: Member) -> std::ops::Range<bytes::Bytes> {
    copy::keys(member)
}

/// Reads all that a node holds; every checksum is looked at.
///
/// # Errors
///
/// When the storage fails or anything in it is damaged.
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
    let entries = reader.scan(Table::Log, range.clone(), EVERYTHING)?;
    let rows = reader.scan(Table::Records, range, EVERYTHING)?;
    let records = rows.iter().map(|(key, value)| {
        let RecordRow { id, position, record } = record::row(member, key, value)?;
        Ok((id, StoredRecord { position, record }))
    });
    Ok(CopyAudit {
        view: meta::view(reader, member)?,
        records: records.collect::<Result<_, StoreError>>()?,
        log: entries
            .iter()
            .map(|(_, value)| log::decode(member, value))
            .collect::<Result<_, _>>()?,
        applied: applied::all(reader, member)?,
        installing: meta::installing(reader, member)?,
        is_damaged: meta::is_damaged(reader, member)?,
    })
}
