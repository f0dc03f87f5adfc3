//! The node's knowledge about itself: a few rows, in JSON so that people can read them too.

use bytes::Bytes;
use protocol::hello::Membership;
use protocol::id::{Incarnation, NodeId, Seq};
use protocol::message::Cursor;
use protocol::view::{Member, View};
use ring_core::store::SalvageRow;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StoreError;
use super::seal::{self, SealError};
use crate::storage::{Batch, StorageReader, Table};

// Stored names: never rename one.
const IDENTITY: &str = "identity";
const MEMBERSHIP: &str = "membership";

/// The owner of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The node's id.
    pub node: NodeId,
    /// The incarnation of the data.
    pub incarnation: Incarnation,
    /// The number of openings so far, this one included.
    pub boots: u64,
}

impl Identity {
    /// The identity of new data.
    pub(super) fn new(node: NodeId, incarnation: Uuid) -> Self {
        Self { node, incarnation: Incarnation(incarnation), boots: 1 }
    }
}

pub(super) fn identity(reader: &dyn StorageReader) -> Result<Option<Identity>, StoreError> {
    get(reader, IDENTITY)
}

pub(super) fn put_identity(batch: &mut Batch, identity: &Identity) {
    put(batch, IDENTITY, identity);
}

pub(super) fn membership(reader: &dyn StorageReader) -> Result<Option<Membership>, StoreError> {
    get(reader, MEMBERSHIP)
}

pub(super) fn put_membership(batch: &mut Batch, membership: &Membership) {
    put(batch, MEMBERSHIP, membership);
}

pub(super) fn view(reader: &dyn StorageReader, member: Member) -> Result<Option<View>, StoreError> {
    get(reader, view_key(member))
}

pub(super) fn put_view(batch: &mut Batch, member: Member, view: &View) {
    put(batch, view_key(member), view);
}

/// The first entry still in a log, or [`Seq::ZERO`] for an empty log. `None` until a snapshot, a
/// restart or a trim of the log stores it.
pub(super) fn log_from(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Option<Seq>, StoreError> {
    get(reader, log_from_key(member))
}

pub(super) fn put_log_from(batch: &mut Batch, member: Member, seq: Seq) {
    put(batch, log_from_key(member), &seq);
}

/// The progress of an incomplete snapshot.
pub(super) fn installing(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Option<Cursor>, StoreError> {
    get(reader, installing_key(member))
}

pub(super) fn put_installing(batch: &mut Batch, member: Member, cursor: Option<&Cursor>) {
    put_or_delete(batch, installing_key(member), cursor);
}

/// Whether a copy is known to have a damaged row. A snapshot or a complete salvage clears this.
pub(super) fn is_damaged(reader: &dyn StorageReader, member: Member) -> Result<bool, StoreError> {
    Ok(get::<bool>(reader, damaged_key(member))?.unwrap_or(false))
}

pub(super) fn put_damaged(batch: &mut Batch, member: Member, is_damaged: bool) {
    put_or_delete(batch, damaged_key(member), is_damaged.then_some(&true));
}

/// The state of a copy's last salvage.
pub(super) fn salvage(
    reader: &dyn StorageReader,
    member: Member,
) -> Result<Option<SalvageRow>, StoreError> {
    get(reader, salvage_key(member))
}

pub(super) fn put_salvage(batch: &mut Batch, member: Member, row: Option<&SalvageRow>) {
    put_or_delete(batch, salvage_key(member), row);
}

fn view_key(member: Member) -> &'static str {
    match member {
        Member::Home => "view-of-home",
        Member::Next => "view-of-next",
    }
}

fn log_from_key(member: Member) -> &'static str {
    match member {
        Member::Home => "log-from-of-home",
        Member::Next => "log-from-of-next",
    }
}

fn damaged_key(member: Member) -> &'static str {
    match member {
        Member::Home => "damaged-of-home",
        Member::Next => "damaged-of-next",
    }
}

fn salvage_key(member: Member) -> &'static str {
    match member {
        Member::Home => "salvage-of-home",
        Member::Next => "salvage-of-next",
    }
}

fn installing_key(member: Member) -> &'static str {
    match member {
        Member::Home => "installing-of-home",
        Member::Next => "installing-of-next",
    }
}

/// Puts the row if there is a value, and deletes the row otherwise.
fn put_or_delete(batch: &mut Batch, key: &'static str, value: Option<&impl Serialize>) {
    match value {
        Some(value) => put(batch, key, value),
        None => batch.delete(Table::Meta, Bytes::from_static(key.as_bytes())),
    }
}

fn put(batch: &mut Batch, key: &'static str, value: &impl Serialize) {
    let json = serde_json::to_vec(value)
        .unwrap_or_else(|error| unreachable!("{key} always serialises: {error}"));
    batch.put(Table::Meta, Bytes::from_static(key.as_bytes()), seal::seal(&json));
}

fn get<T: DeserializeOwned>(
    reader: &dyn StorageReader,
    key: &'static str,
) -> Result<Option<T>, StoreError> {
    let Some(value) = reader.get(Table::Meta, key.as_bytes())? else { return Ok(None) };
    let malformed = |error: serde_json::Error| SealError::Malformed(error.to_string());
    let decoded =
        seal::open(&value).and_then(|json| serde_json::from_slice(&json).map_err(malformed));
    decoded.map(Some).map_err(|error| StoreError::Row { row: format!("the row {key}"), error })
}
