//! A storage in memory for these tests: cold, partly unreadable, or neither.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use protocol::entry::{Answer, Change, Entry};
use protocol::id::{Position, RequestId, Seq};
use protocol::message::RecordRow;
use protocol::user::{User, UserId};
use protocol::view::Member;
use ring_core::node::NodeEffect;
use ring_core::store::{
    AtHand, Budget, Mutation, ReadError, RecordKey, Stored, StoredRecord, StoredRows, Unreadable,
};

use crate::node::{entry, position};
use crate::support::{BOOT, ring, user_of};

/// A storage. By default it is empty and readable.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) records: BTreeMap<UserId, StoredRecord>,
    /// The unreadable records.
    pub(crate) rotten: BTreeSet<UserId>,
    /// The unreadable records still in memory.
    pub(crate) remembered: BTreeMap<UserId, StoredRecord>,
    pub(crate) log: Vec<Entry>,
    /// Whether the log is unreadable except for the entries in `log`.
    pub(crate) is_log_rotten: bool,
    /// Whether nothing can be read.
    pub(crate) is_rotten: bool,
    /// Whether no record is at hand.
    pub(crate) is_cold: bool,
}

fn damaged() -> ReadError {
    ReadError::Damaged("a row".to_owned())
}

impl Stored for Shelf {
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError> {
        if let Some(remembered) = self.remembered.get(id) {
            return Ok(AtHand::Record(remembered.clone()));
        }
        if self.is_cold {
            return Ok(AtHand::Unknown);
        }
        Ok(self.record(member, id)?.map_or(AtHand::Absent, AtHand::Record))
    }
}

impl StoredRows for Shelf {
    fn record(&self, _: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        let is_rotten = self.is_rotten || self.rotten.contains(id);
        if is_rotten { Err(damaged()) } else { Ok(self.records.get(id).cloned()) }
    }

    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        budget: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        if self.is_rotten {
            return Err(damaged());
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.records.range::<UserId, _>((from, Bound::Unbounded)).map(|(id, _)| id);
        let row = |id: &UserId| {
            let stored = self.record(member, id)?;
            let StoredRecord { position, record } = stored.expect("it is one of the records");
            Ok(RecordRow { id: id.clone(), position, record })
        };
        ids.take(budget.rows_max).map(row).collect()
    }

    fn entries(&self, _: Member, from: Seq, to: Seq, _: Budget) -> Result<Vec<Entry>, ReadError> {
        if self.is_rotten || self.is_log_rotten {
            return Err(damaged());
        }
        let wanted = self.log.iter().filter(|entry| (from..=to).contains(&entry.position.seq));
        Ok(wanted.cloned().collect())
    }

    /// Answers outside of the log are unreadable.
    fn applied(&self, _: Member, _: RequestId) -> Result<Option<Answer>, ReadError> {
        Err(damaged())
    }

    fn unreadable(
        &self,
        _: Member,
        after: Option<&RecordKey>,
        _: Budget,
    ) -> Result<Unreadable, ReadError> {
        let after = after.and_then(RecordKey::id);
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.records.range::<UserId, _>((from, Bound::Unbounded)).next();
        let to = next.map(|(id, _)| RecordKey::from(id));
        let is_rotten = next.is_some_and(|(id, _)| self.rotten.contains(id));
        Ok(Unreadable { keys: to.iter().filter(|_| is_rotten).cloned().collect(), to })
    }

    fn last_readable(&self, _: Member) -> Result<Option<Entry>, ReadError> {
        Ok(self.log.last().cloned())
    }
}

impl Shelf {
    /// A storage without any row at hand.
    pub(crate) fn cold() -> Self {
        Self { is_cold: true, ..Self::default() }
    }

    /// A storage without any readable row.
    pub(crate) fn rotten() -> Self {
        Self { is_rotten: true, ..Self::default() }
    }

    /// A storage with the log written by these effects, and without records.
    pub(crate) fn logged(effects: &[NodeEffect]) -> Self {
        let entries = effects.iter().filter_map(|effect| match effect {
            NodeEffect::Write { mutation: Mutation::Apply { entry, .. }, .. } => {
                Some(entry.clone())
            }
            _ => None,
        });
        Self { log: entries.collect(), ..Self::default() }
    }

    /// The home copy of db-1 with the user of P1 and another one.
    pub(crate) fn of_two_users() -> Self {
        let log = (1..=5).map(entry_of_home).collect();
        let records = [user_of(1), other_user()].map(|id| (id.clone(), record(&id, 4)));
        Self { records: records.into(), log, ..Self::default() }
    }

    pub(crate) fn with_rotten(mut self, id: UserId) -> Self {
        self.rotten.insert(id);
        self
    }

    fn apply(&mut self, change: &Change, position: Position) {
        self.rotten.remove(change.id());
        match change {
            Change::Create { id, record } | Change::Replace { id, record } => {
                let record = record.clone();
                self.records.insert(id.clone(), StoredRecord { position, record });
            }
            Change::Delete { id } => drop(self.records.remove(id)),
        }
    }

    /// Carries out a node's writes to its home copy.
    pub(crate) fn write(&mut self, effects: &[NodeEffect]) {
        for effect in effects {
            let NodeEffect::Write { mutation, .. } = effect else { continue };
            match mutation {
                Mutation::Apply { entry, .. } => {
                    self.apply(&entry.change, entry.position);
                    self.log.push(entry.clone());
                }
                Mutation::Salvage { dropped, rewritten, .. } => {
                    for id in dropped.iter().filter_map(RecordKey::id) {
                        self.records.remove(&id);
                        self.rotten.remove(&id);
                    }
                    for row in rewritten {
                        self.rotten.remove(&row.id);
                    }
                }
                Mutation::RestartLog { last, .. } => {
                    self.log = last.iter().cloned().collect();
                    self.is_log_rotten = false;
                }
                _ => {}
            }
        }
    }
}

pub(crate) fn entry_of_home(seq: u64) -> Entry {
    Entry { request: RequestId { boot: BOOT, counter: seq }, ..entry(position(2, seq)) }
}

pub(crate) fn record(id: &UserId, seq: u64) -> StoredRecord {
    let json = format!(r#"{{"id":"{id}","name":"Ada","email":"ada@example.org","group":1}}"#);
    let record = User::from_json(json.as_bytes()).unwrap().to_json();
    StoredRecord { position: position(2, seq), record }
}

/// A second user of P1, beside the user of all tests.
pub(crate) fn other_user() -> UserId {
    let users = (0..1000).map(|i| format!("other-{i}").parse::<UserId>().unwrap());
    let mut users = users.filter(|user| ring().partition_of(user).0 == 1);
    users.next().unwrap()
}
