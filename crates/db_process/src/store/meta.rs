//! The node's knowledge about itself: a few rows, in JSON so that people can read them too.

use std::fmt;

use bytes::Bytes;
use protocol::hello::Membership;
use protocol::id::{Incarnation, NodeId, Seq};
use protocol::message::Cursor;
use protocol::view::View;
use ring_core::store::SalvageRow;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::copy::StoredCopy;
use super::error::StoreError;
use super::seal::{self, SealError};
use crate::storage::{Batch, StorageReader, Table};

// Stored names: never rename one.
const IDENTITY: &str = "identity";
const MEMBERSHIP: &str = "membership";
const VIEW: &str = "view";
const LOG_FROM: &str = "log-from";
const INSTALLING: &str = "installing";
const DAMAGED: &str = "damaged";
const SALVAGE: &str = "salvage";

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
    get(reader, Key::OfNode(IDENTITY))
}

pub(super) fn put_identity(batch: &mut Batch, identity: &Identity) {
    put(batch, Key::OfNode(IDENTITY), identity);
}

pub(super) fn membership(reader: &dyn StorageReader) -> Result<Option<Membership>, StoreError> {
    get(reader, Key::OfNode(MEMBERSHIP))
}

pub(super) fn put_membership(batch: &mut Batch, membership: &Membership) {
    put(batch, Key::OfNode(MEMBERSHIP), membership);
}

pub(super) fn view(
    reader: &dyn StorageReader,
    copy: StoredCopy,
) -> Result<Option<View>, StoreError> {
    get(reader, Key::OfCopy(copy, VIEW))
}

pub(super) fn put_view(batch: &mut Batch, copy: StoredCopy, view: &View) {
    put(batch, Key::OfCopy(copy, VIEW), view);
}

/// The first entry still in a log, or [`Seq::ZERO`] for an empty log. `None` until a snapshot, a
/// restart or a trim of the log stores it.
pub(super) fn log_from(
    reader: &dyn StorageReader,
    copy: StoredCopy,
) -> Result<Option<Seq>, StoreError> {
    get(reader, Key::OfCopy(copy, LOG_FROM))
}

pub(super) fn put_log_from(batch: &mut Batch, copy: StoredCopy, seq: Seq) {
    put(batch, Key::OfCopy(copy, LOG_FROM), &seq);
}

/// The progress of an incomplete snapshot.
pub(super) fn installing(
    reader: &dyn StorageReader,
    copy: StoredCopy,
) -> Result<Option<Cursor>, StoreError> {
    get(reader, Key::OfCopy(copy, INSTALLING))
}

pub(super) fn put_installing(batch: &mut Batch, copy: StoredCopy, cursor: Option<&Cursor>) {
    put_or_delete(batch, Key::OfCopy(copy, INSTALLING), cursor);
}

/// Whether a copy is known to have a damaged row. A snapshot or a complete salvage clears this.
pub(super) fn is_damaged(reader: &dyn StorageReader, copy: StoredCopy) -> Result<bool, StoreError> {
    Ok(get::<bool>(reader, Key::OfCopy(copy, DAMAGED))?.unwrap_or(false))
}

pub(super) fn mark_damaged(batch: &mut Batch, copy: StoredCopy) {
    put(batch, Key::OfCopy(copy, DAMAGED), &true);
}

pub(super) fn clear_damaged(batch: &mut Batch, copy: StoredCopy) {
    put_or_delete(batch, Key::OfCopy(copy, DAMAGED), None::<&bool>);
}

/// The state of a copy's last salvage.
pub(super) fn salvage(
    reader: &dyn StorageReader,
    copy: StoredCopy,
) -> Result<Option<SalvageRow>, StoreError> {
    get(reader, Key::OfCopy(copy, SALVAGE))
}

pub(super) fn put_salvage(batch: &mut Batch, copy: StoredCopy, row: Option<&SalvageRow>) {
    put_or_delete(batch, Key::OfCopy(copy, SALVAGE), row);
}

/// The key of a row.
#[derive(Clone, Copy)]
enum Key {
    OfNode(&'static str),
    OfCopy(StoredCopy, &'static str),
}

impl Key {
    fn bytes(self) -> Bytes {
        match self {
            Self::OfNode(name) => Bytes::from_static(name.as_bytes()),
            Self::OfCopy(copy, name) => copy.key(&[name.as_bytes()]),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfNode(name) => write!(f, "the row {name}"),
            Self::OfCopy(copy, name) => write!(f, "the row {name} of the {copy} copy"),
        }
    }
}

/// Puts the row if there is a value, and deletes the row otherwise.
fn put_or_delete(batch: &mut Batch, key: Key, value: Option<&impl Serialize>) {
    match value {
        Some(value) => put(batch, key, value),
        None => batch.delete(Table::Meta, key.bytes()),
    }
}

fn put(batch: &mut Batch, key: Key, value: &impl Serialize) {
    let json = serde_json::to_vec(value)
        .unwrap_or_else(|error| unreachable!("{key} always serialises: {error}"));
    batch.put(Table::Meta, key.bytes(), seal::seal(&json));
}

fn get<T: DeserializeOwned>(reader: &dyn StorageReader, key: Key) -> Result<Option<T>, StoreError> {
    let Some(value) = reader.get(Table::Meta, &key.bytes())? else { return Ok(None) };
    let malformed = |error: serde_json::Error| SealError::Malformed(error.to_string());
    let decoded =
        seal::open(&value).and_then(|json| serde_json::from_slice(&json).map_err(malformed));
    decoded.map(Some).map_err(|error| StoreError::Row { row: key.to_string(), error })
}
