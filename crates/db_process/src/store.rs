//! The data of a node, as typed rows of its [`Storage`].
//!
//! | table | module | key | value |
//! |---|---|---|---|
//! | `Meta` | [`meta`] | a name, or copy, name | one of the rows listed below |
//! | `Records` | [`record`] | copy, user id | position, record |
//! | `Log` | [`log`] | copy, seq | entry, the oldest entry with an unsettled request |
//! | `Applied` | [`applied`] | copy, request id | seq, answer; only from snapshots |
//!
//! A *copy* in a key is its partition and its member ([`copy`]).
//!
//! The rows of `Meta` are the identity, the membership, and for each copy its view, the start of
//! its log, an incomplete snapshot, its damage and its last salvage.
//!
//! Every value is [sealed](seal) with a version and a checksum. Other releases will read these
//! keys and values: their form never changes under the same version. Rows of older formats are
//! [upgraded](upgrade) when a node opens them.
//!
//! Recently used records are in memory, in a [`cache`].
//!
//! This module holds no rules. A [`Mutation`] says how to change the rows. The core asks
//! [`Stored`] for rows in memory. The driver reads other rows for it through [`StoredRows`],
//! apart from the core.

mod applied;
pub mod audit;
mod cache;
mod copy;
mod error;
mod log;
mod meta;
mod record;
mod seal;
#[cfg(test)]
mod tests;
mod upgrade;

pub use error::StoreError;
pub use meta::Identity;
pub use seal::SealError;

use std::sync::{Arc, OnceLock};

use protocol::entry::{Answer, Entry};
use protocol::id::{NodeId, RequestId, Seq};
use protocol::message::{Cursor, RecordRow, Rows};
use protocol::user::UserId;
use protocol::view::Member;
use ring_core::store::{
    AtHand, Budget, Damage, Mutation, ReadError, ReadId, ReadRows, ReadWhat, RecordKey, Recovered,
    RecoveredCopy, Scope, Stored, StoredRecord, StoredRows, Unreadable,
};

use self::cache::RecordCache;
use self::copy::{Copies, StoredCopy};
use crate::storage::{Batch, Storage, StorageError, StorageReader, Table};

/// The default memory for recently read records. MiB.
pub const RECORD_CACHE_MIB: u32 = 16;

/// The typed rows of a node's storage.
pub struct Store {
    storage: Arc<dyn Storage>,
    cache: RecordCache,
    node: NodeId,
    /// The node's copies. Unknown until the node is in a ring.
    copies: OnceLock<Copies>,
}

impl Store {
    /// Opens the rows of a node, and counts this start. The cache of records takes at most
    /// `record_cache_bytes` of memory.
    ///
    /// The rows found are made durable before they are read (rule 11), and so is the new count.
    ///
    /// # Errors
    ///
    /// When the storage fails, is damaged, or belongs to another node.
    pub fn open(
        storage: Arc<dyn Storage>,
        node: &NodeId,
        record_cache_bytes: usize,
        new_incarnation: impl FnOnce() -> uuid::Uuid,
    ) -> Result<(Self, Identity), StoreError> {
        storage.sync()?;
        let identity = match meta::identity(&*storage)? {
            Some(found) if found.node != *node => {
                return Err(StoreError::OtherNode { found: found.node, wanted: node.clone() });
            }
            Some(found) => Identity { boots: found.boots.saturating_add(1), ..found },
            None => Identity::new(node.clone(), new_incarnation()),
        };
        storage.name_format()?;
        let membership = meta::membership(&*storage)?;
        let copies = membership.map(|membership| Copies::of(node, &membership)).transpose()?;
        if upgrade::is_due(&*storage)? {
            let without = || StoreError::Inconsistent("copies, but no ring".to_owned());
            upgrade::run(&*storage, copies.ok_or_else(without)?)?;
        }
        let mut batch = Batch::new();
        meta::put_identity(&mut batch, &identity);
        storage.write(batch)?;
        storage.sync()?;
        let cache = RecordCache::new(record_cache_bytes);
        let copies = copies.map_or_else(OnceLock::new, OnceLock::from);
        Ok((Self { storage, cache, node: node.clone(), copies }, identity))
    }

    /// The copy of a member.
    ///
    /// # Panics
    ///
    /// When the node is in no ring: it has no copies then.
    fn copy(&self, member: Member) -> StoredCopy {
        let copies = self.copies.get();
        copies
            .unwrap_or_else(|| unreachable!("a node without a ring has no {member} copy"))
            .get(member)
    }

    /// The state of a node at its start.
    ///
    /// # Errors
    ///
    /// When the storage fails or is damaged.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        Ok(Recovered {
            membership: meta::membership(self.reader())?,
            home: self.recover_copy(Member::Home)?,
            next: self.recover_copy(Member::Next)?,
        })
    }

    fn recover_copy(&self, member: Member) -> Result<RecoveredCopy, StoreError> {
        let Some(copies) = self.copies.get() else { return Ok(RecoveredCopy::default()) };
        let (reader, copy) = (self.reader(), copies.get(member));
        let view = meta::view(reader, copy)?;
        let found = self.recover_rows(copy).map(|found| RecoveredCopy { view, ..found });
        match found.as_ref().err().and_then(StoreError::damage) {
            Some(what) => {
                let damage = Some(Damage::Unreadable(what));
                Ok(RecoveredCopy { view, damage, ..RecoveredCopy::default() })
            }
            None => found,
        }
    }

    /// The rows that a copy cannot do without.
    fn recover_rows(&self, copy: StoredCopy) -> Result<RecoveredCopy, StoreError> {
        let reader = self.reader();
        let log = log::find(reader, copy)?;
        let log_from = match &log.last {
            Some(_) => Seq::ZERO.next(),
            None => Seq::ZERO,
        };
        Ok(RecoveredCopy {
            view: None,
            log_from: meta::log_from(reader, copy)?.unwrap_or(log_from),
            applied: applied::all(reader, copy, log.applied)?,
            last: log.last,
            installing: meta::installing(reader, copy)?,
            damage: meta::is_damaged(reader, copy)?.then_some(Damage::Known),
            salvage: meta::salvage(reader, copy)?,
            log_sizes: log.sizes,
        })
    }

    /// Adds a mutation to a batch. This batch must be written before the next one.
    pub fn add(&self, batch: &mut Batch, mutation: &Mutation) {
        match mutation {
            Mutation::Membership(membership) => {
                meta::put_membership(batch, membership);
                let copies = Copies::of(&self.node, membership)
                    .unwrap_or_else(|error| unreachable!("no ring to join: {error}"));
                assert_eq!(*self.copies.get_or_init(|| copies), copies, "a node keeps its place");
            }
            Mutation::View { member, view } => meta::put_view(batch, self.copy(*member), view),
            Mutation::Apply { member, entry, oldest_applied, settled, scope } => {
                let copy = self.copy(*member);
                log::put(batch, copy, entry, *oldest_applied);
                if *scope == Scope::Whole {
                    record::apply(batch, copy, entry);
                    self.cache.apply(*member, entry);
                }
                for request in settled {
                    applied::delete(batch, copy, *request);
                }
            }
            Mutation::Install { member, base } => {
                let copy = self.copy(*member);
                for table in [Table::Records, Table::Log, Table::Applied] {
                    batch.delete_range(table, copy.keys());
                }
                let log_from = base.as_ref().map_or(Seq::ZERO, |base| base.position.seq);
                meta::put_log_from(batch, copy, log_from);
                meta::put_installing(batch, copy, Some(&Cursor::START));
                meta::clear_damaged(batch, copy);
                meta::put_salvage(batch, copy, None);
                if let Some(base) = base {
                    // The snapshot brings the applied ids up to here.
                    log::put(batch, copy, base, base.position.seq.next());
                }
                self.cache.clear(*member);
            }
            Mutation::Chunk { member, rows, then } => {
                let copy = self.copy(*member);
                match rows {
                    Rows::Applied(rows) => {
                        rows.iter().for_each(|row| applied::put(batch, copy, row));
                    }
                    Rows::Records(rows) => {
                        rows.iter().for_each(|row| record::put(batch, copy, row));
                        self.cache.replace(*member, rows);
                    }
                }
                meta::put_installing(batch, copy, then.as_ref());
            }
            Mutation::MarkDamaged { member } => meta::mark_damaged(batch, self.copy(*member)),
            Mutation::Salvage { member, row, is_damaged, dropped, rewritten } => {
                let copy = self.copy(*member);
                meta::put_salvage(batch, copy, Some(row));
                if *is_damaged {
                    meta::mark_damaged(batch, copy);
                } else {
                    meta::clear_damaged(batch, copy);
                }
                for key in dropped {
                    record::delete(batch, copy, key);
                    self.cache.drop_record(*member, key.id().as_ref());
                }
                rewritten.iter().for_each(|row| record::put(batch, copy, row));
                self.cache.replace(*member, rewritten);
            }
            Mutation::RestartLog { member, last } => {
                let copy = self.copy(*member);
                for table in [Table::Log, Table::Applied] {
                    batch.delete_range(table, copy.keys());
                }
                let log_from = last.as_ref().map_or(Seq::ZERO, |last| last.position.seq);
                meta::put_log_from(batch, copy, log_from);
                meta::put_installing(batch, copy, None);
                meta::mark_damaged(batch, copy);
                if let Some(last) = last {
                    log::put(batch, copy, last, last.position.seq);
                }
            }
            Mutation::TrimLog { member, below } => {
                let copy = self.copy(*member);
                log::trim(batch, copy, *below);
                meta::put_log_from(batch, copy, *below);
            }
        }
    }

    /// Writes a batch: readable at once, durable after a sync.
    ///
    /// # Errors
    ///
    /// As [`Storage::write`].
    pub fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.storage.write(batch)
    }

    /// The storage, to sync it elsewhere.
    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    fn reader(&self) -> &dyn StorageReader {
        &*self.storage
    }
}

impl Store {
    /// Notes that a read begins, apart from the core.
    pub fn begin_read(&self, read: ReadId, member: Member, what: &ReadWhat) {
        if let ReadWhat::Record(id) = what {
            self.cache.expect(member, id, read);
        }
    }

    /// Notes that a read is over, before the core hears of it. Returns whether the record was
    /// overtaken meanwhile: it is then not the newest.
    pub fn end_read(
        &self,
        read: ReadId,
        member: Member,
        what: ReadWhat,
        result: &Result<ReadRows, ReadError>,
    ) -> bool {
        let ReadWhat::Record(id) = what else { return false };
        let stored = match result {
            Ok(ReadRows::Record(stored)) => stored.as_ref(),
            Ok(_) | Err(_) => None,
        };
        !self.cache.has_read(member, id, read, stored)
    }
}

impl Stored for Store {
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError> {
        if let Some(cached) = self.cache.get(member, id) {
            return Ok(AtHand::Record(cached));
        }
        let at_hand = record::at_hand(self.reader(), self.copy(member), id)?;
        if let AtHand::Record(stored) = &at_hand {
            self.cache.keep(member, id, stored);
        }
        Ok(at_hand)
    }
}

impl StoredRows for Store {
    fn record(&self, member: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        Ok(record::get(self.reader(), self.copy(member), id)?)
    }

    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        budget: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        Ok(record::after(self.reader(), self.copy(member), after, budget)?)
    }

    fn entries(
        &self,
        member: Member,
        from: Seq,
        to: Seq,
        budget: Budget,
    ) -> Result<Vec<Entry>, ReadError> {
        Ok(log::entries(self.reader(), self.copy(member), from..=to, budget)?)
    }

    fn applied(&self, member: Member, request: RequestId) -> Result<Option<Answer>, ReadError> {
        Ok(applied::get(self.reader(), self.copy(member), request)?)
    }

    fn unreadable(
        &self,
        member: Member,
        after: Option<&RecordKey>,
        budget: Budget,
    ) -> Result<Unreadable, ReadError> {
        Ok(record::unreadable(self.reader(), self.copy(member), after, budget)?)
    }

    fn last_readable(&self, member: Member) -> Result<Option<Entry>, ReadError> {
        Ok(log::last_readable(self.reader(), self.copy(member))?)
    }
}
