//! A simulated disk. A write is readable at once, and durable after a sync.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use protocol::entry::{Answer, Change, Entry};
use protocol::hello::Membership;
use protocol::id::{Position, RequestId, Seq};
use protocol::message::{Cursor, RecordRow, Rows};
use protocol::user::UserId;
use protocol::view::{Member, View};
use ring_core::store::{
    AnswerIn, AppliedId, AtHand, Budget, Damage, Mark, Mutation, ReadError, RecordKey, Recovered,
    RecoveredCopy, SalvageRow, Scope, Stored, StoredRecord, StoredRows, Unreadable,
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CopyOnDisk {
    pub(crate) view: Option<View>,
    pub(crate) records: BTreeMap<UserId, StoredRecord>,
    pub(crate) log: BTreeMap<Seq, Entry>,
    /// The trimmed entries of the log, for the rules only: no node sees them.
    pub(crate) trimmed: BTreeMap<Seq, Entry>,
    /// The applied ids brought by a snapshot.
    snapshot: BTreeMap<RequestId, (Seq, Answer)>,
    /// The first log entry of the table of applied ids.
    oldest_applied: Seq,
    pub(crate) installing: Option<Cursor>,
    pub(crate) is_damaged: bool,
    salvage: Option<SalvageRow>,
    /// The unreadable records.
    pub(crate) rotten: BTreeSet<UserId>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) membership: Option<Membership>,
    pub(crate) home: CopyOnDisk,
    pub(crate) next: CopyOnDisk,
}

/// The storage of a node. `current` has every write, `durable` has the synced writes.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) current: Content,
    pub(crate) durable: Content,
    unsynced: VecDeque<(Mark, Mutation)>,
    /// Whether some of the records are not at hand.
    is_cold: bool,
    /// How many times the core has asked for a record at hand.
    asked: Cell<u64>,
}

/// On a cold disk, one in this many records is not at hand.
const COLD_ONE_IN: u64 = 3;

impl CopyOnDisk {
    fn apply_to_record(&mut self, entry: &Entry) {
        let position = entry.position;
        self.rotten.remove(entry.change.id());
        match &entry.change {
            Change::Create { id, record } | Change::Replace { id, record } => {
                let record = record.clone();
                self.records.insert(id.clone(), StoredRecord { position, record });
            }
            Change::Delete { id } => {
                self.records.remove(id);
            }
        }
    }

    /// Every entry since the copy was made or installed.
    pub(crate) fn whole_log(&self) -> BTreeMap<Seq, Entry> {
        self.trimmed.iter().chain(&self.log).map(|(seq, entry)| (*seq, entry.clone())).collect()
    }

    /// The table of applied ids.
    fn applied(&self) -> Vec<AppliedId> {
        let Some((_, last)) = self.log.last_key_value() else { return Vec::new() };
        assert!(
            self.log.first_key_value().is_some_and(|(first, _)| *first <= self.oldest_applied),
            "rule 12: the log was trimmed beyond an id that is not settled"
        );
        let brought = self.snapshot.iter().map(|(request, (seq, _))| AppliedId {
            request: *request,
            seq: *seq,
            answer: AnswerIn::Row,
        });
        let logged = self.log.range(self.oldest_applied..).map(|(seq, entry)| AppliedId {
            request: entry.request,
            seq: *seq,
            answer: AnswerIn::Log,
        });
        logged.filter(|id| last.unsettled().contains(&id.request)).chain(brought).collect()
    }

    /// The entry of each applied request, for the requests that may be sent again.
    pub(crate) fn applied_ids(&self) -> BTreeMap<RequestId, Seq> {
        self.applied().into_iter().map(|id| (id.request, id.seq)).collect()
    }

    pub(crate) fn last(&self) -> Position {
        self.log.last_key_value().map_or(Position::ZERO, |(_, entry)| entry.position)
    }
}

impl Content {
    pub(crate) fn copy(&self, member: Member) -> &CopyOnDisk {
        match member {
            Member::Home => &self.home,
            Member::Next => &self.next,
        }
    }

    fn copy_mut(&mut self, member: Member) -> &mut CopyOnDisk {
        match member {
            Member::Home => &mut self.home,
            Member::Next => &mut self.next,
        }
    }

    fn apply(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Membership(membership) => self.membership = Some(membership.clone()),
            Mutation::View { member, view } => self.copy_mut(*member).view = Some(*view),
            Mutation::Apply { member, entry, oldest_applied, settled, scope } => {
                let copy = self.copy_mut(*member);
                if *scope == Scope::Whole {
                    copy.apply_to_record(entry);
                }
                copy.oldest_applied = *oldest_applied;
                copy.snapshot.retain(|request, _| !settled.contains(request));
                copy.log.insert(entry.position.seq, entry.clone());
            }
            Mutation::Install { member, base } => {
                let copy = self.copy_mut(*member);
                *copy = CopyOnDisk {
                    view: copy.view,
                    installing: Some(Cursor::START),
                    ..CopyOnDisk::default()
                };
                if let Some(base) = base {
                    copy.oldest_applied = base.position.seq.next();
                    copy.log.insert(base.position.seq, base.clone());
                }
            }
            Mutation::Chunk { member, rows, then } => {
                let copy = self.copy_mut(*member);
                match rows {
                    Rows::Applied(rows) => {
                        let rows = rows.iter().cloned();
                        copy.snapshot.extend(rows.map(|row| (row.request, (row.seq, row.answer))));
                    }
                    Rows::Records(rows) => {
                        for RecordRow { id, position, record } in rows.iter().cloned() {
                            copy.records.insert(id, StoredRecord { position, record });
                        }
                    }
                }
                copy.installing.clone_from(then);
            }
            Mutation::MarkDamaged { member } => self.copy_mut(*member).is_damaged = true,
            Mutation::Salvage { member, row, is_damaged, dropped, rewritten } => {
                let copy = self.copy_mut(*member);
                copy.salvage = Some(row.clone());
                copy.is_damaged = *is_damaged;
                for id in dropped.iter().filter_map(RecordKey::id) {
                    copy.records.remove(&id);
                    copy.rotten.remove(&id);
                }
                for RecordRow { id, position, record } in rewritten.iter().cloned() {
                    copy.rotten.remove(&id);
                    copy.records.insert(id, StoredRecord { position, record });
                }
            }
            Mutation::RestartLog { member, last } => {
                let copy = self.copy_mut(*member);
                copy.trimmed.append(&mut copy.log);
                copy.snapshot.clear();
                copy.is_damaged = true;
                if let Some(last) = last {
                    copy.oldest_applied = last.position.seq;
                    copy.log.insert(last.position.seq, last.clone());
                }
            }
            Mutation::TrimLog { member, below } => {
                let copy = self.copy_mut(*member);
                let kept = copy.log.split_off(below);
                copy.trimmed.append(&mut std::mem::replace(&mut copy.log, kept));
            }
        }
    }
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(is_cold: bool) -> Self {
        Self { is_cold, ..Self::default() }
    }

    pub(crate) fn write(&mut self, mark: Mark, mutation: Mutation) {
        self.current.apply(&mutation);
        self.unsynced.push_back((mark, mutation));
    }

    pub(crate) fn written(&self) -> Option<Mark> {
        self.unsynced.back().map(|(mark, _)| *mark)
    }

    pub(crate) fn sync(&mut self, mark: Mark) {
        while let Some((_, mutation)) = self.unsynced.pop_front_if(|(written, _)| *written <= mark)
        {
            self.durable.apply(&mutation);
        }
    }

    /// Loses the unsynced writes, except the first `kept` ones.
    pub(crate) fn power_loss(&mut self, kept: usize) {
        for (_, mutation) in self.unsynced.drain(..).take(kept) {
            self.durable.apply(&mutation);
        }
        self.current = self.durable.clone();
    }

    /// Makes a record unreadable, for ever.
    pub(crate) fn rot(&mut self, member: Member, id: &UserId) {
        let rotten = self.current.copy(member).records.get(id).cloned();
        for content in [&mut self.current, &mut self.durable] {
            let copy = content.copy_mut(member);
            // The durable content may have an older record or none. A later write makes a sound
            // record there.
            if copy.records.get(id) == rotten.as_ref() {
                copy.rotten.insert(id.clone());
            }
        }
    }

    fn check(&self, member: Member, id: &UserId) -> Result<(), ReadError> {
        if self.current.copy(member).rotten.contains(id) {
            return Err(ReadError::Damaged("a record".to_owned()));
        }
        Ok(())
    }

    /// Starts a process: it syncs the recovered data before it reads them (rule 11).
    pub(crate) fn recover(&mut self) -> Recovered {
        for (_, mutation) in std::mem::take(&mut self.unsynced) {
            self.durable.apply(&mutation);
        }
        let copy = |copy: &CopyOnDisk| RecoveredCopy {
            view: copy.view,
            log_from: copy.log.first_key_value().map_or(Seq::ZERO, |(seq, _)| *seq),
            last: copy.log.last_key_value().map(|(_, entry)| entry.clone()),
            applied: copy.applied(),
            installing: copy.installing.clone(),
            damage: copy.is_damaged.then_some(Damage::Known),
            salvage: copy.salvage.clone(),
            log_sizes: copy.log.iter().map(|(seq, entry)| (*seq, entry.size_bytes())).collect(),
        };
        Recovered {
            membership: self.current.membership.clone(),
            home: copy(&self.current.home),
            next: copy(&self.current.next),
        }
    }
}

impl Stored for Disk {
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError> {
        self.asked.set(self.asked.get().wrapping_add(1));
        if self.is_cold && scrambled(self.asked.get()).is_multiple_of(COLD_ONE_IN) {
            return Ok(AtHand::Unknown);
        }
        Ok(self.record(member, id)?.map_or(AtHand::Absent, AtHand::Record))
    }
}

/// Maps consecutive numbers to unrelated ones (SplitMix64).
fn scrambled(number: u64) -> u64 {
    let mut scrambled = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    scrambled = (scrambled ^ (scrambled >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    scrambled = (scrambled ^ (scrambled >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    scrambled ^ (scrambled >> 31)
}

impl StoredRows for Disk {
    fn record(&self, member: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        self.check(member, id)?;
        Ok(self.current.copy(member).records.get(id).cloned())
    }

    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        _: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.current.copy(member).records.range::<UserId, _>((from, Bound::Unbounded));
        let row = |(id, stored): (&UserId, &StoredRecord)| RecordRow {
            id: id.clone(),
            position: stored.position,
            record: stored.record.clone(),
        };
        // One row at a time, so that much can happen in the middle of a snapshot.
        let rows = rows.take(1).map(row).collect::<Vec<_>>();
        rows.iter().try_for_each(|row| self.check(member, &row.id))?;
        Ok(rows)
    }

    fn entries(
        &self,
        member: Member,
        from: Seq,
        to: Seq,
        budget: Budget,
    ) -> Result<Vec<Entry>, ReadError> {
        let log = self.current.copy(member).log.range(from..=to);
        Ok(log.take(budget.rows_max.max(1)).map(|(_, entry)| entry.clone()).collect())
    }

    fn applied(&self, member: Member, request: RequestId) -> Result<Option<Answer>, ReadError> {
        Ok(self.current.copy(member).snapshot.get(&request).map(|(_, answer)| answer.clone()))
    }

    fn unreadable(
        &self,
        member: Member,
        after: Option<&RecordKey>,
        _: Budget,
    ) -> Result<Unreadable, ReadError> {
        let copy = self.current.copy(member);
        let after = after.and_then(RecordKey::id);
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = copy.records.range::<UserId, _>((from, Bound::Unbounded)).next();
        // One row at a time, so that much can happen in the middle of a salvage.
        let keys = next.iter().filter(|(id, _)| copy.rotten.contains(*id));
        Ok(Unreadable {
            keys: keys.map(|(id, _)| RecordKey::from(*id)).collect(),
            to: next.map(|(id, _)| RecordKey::from(id)),
        })
    }

    fn last_readable(&self, member: Member) -> Result<Option<Entry>, ReadError> {
        Ok(self.current.copy(member).log.last_key_value().map(|(_, entry)| entry.clone()))
    }
}
