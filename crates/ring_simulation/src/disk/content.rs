//! The content of a disk: two copies, and the effect of each write on them.

use std::collections::{BTreeMap, BTreeSet};

use protocol::entry::{Answer, Change, Entry};
use protocol::hello::Membership;
use protocol::id::{Position, RequestId, Seq};
use protocol::message::{AppliedRow, Cursor, RecordRow, Rows};
use protocol::user::UserId;
use protocol::view::{Member, View};
use ring_core::store::{
    AnswerIn, AppliedId, Damage, Mutation, RecordKey, RecoveredCopy, SalvageRow, Scope,
    StoredRecord,
};

/// A copy of a partition, as a disk holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CopyOnDisk {
    /// The newest view stored for the copy.
    pub(crate) view: Option<View>,
    /// The records, the unreadable ones too.
    pub(crate) records: BTreeMap<UserId, StoredRecord>,
    /// The log from its first entry that is not trimmed.
    pub(crate) log: BTreeMap<Seq, Entry>,
    /// The trimmed entries of the log, for the rules only: no node sees them.
    pub(crate) trimmed: BTreeMap<Seq, Entry>,
    /// The applied ids brought by a snapshot.
    snapshot: BTreeMap<RequestId, AppliedRow>,
    /// The first log entry of the table of applied ids.
    oldest_applied: Seq,
    /// Where the snapshot goes on, while the copy is partial.
    pub(crate) installing: Option<Cursor>,
    /// Whether the node has marked the copy as damaged.
    pub(crate) is_damaged: bool,
    /// The salvage due or done.
    salvage: Option<SalvageRow>,
    /// The unreadable records.
    pub(crate) rotten: BTreeSet<UserId>,
}

/// All that a disk holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// The cluster and the ring, once the node is a member.
    pub(crate) membership: Option<Membership>,
    /// The copy of the partition at home on this node.
    pub(crate) home: CopyOnDisk,
    /// The copy of the partition of the node before.
    pub(crate) next: CopyOnDisk,
}

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

    /// A snapshot begins, with the last entry before it.
    fn install(&mut self, base: Option<&Entry>) {
        *self = Self { view: self.view, installing: Some(Cursor::START), ..Self::default() };
        if let Some(base) = base {
            self.oldest_applied = base.position.seq.next();
            self.log.insert(base.position.seq, base.clone());
        }
    }

    /// Rows of a snapshot.
    fn add_rows(&mut self, rows: &Rows) {
        match rows {
            Rows::Applied(rows) => {
                self.snapshot.extend(rows.iter().map(|row| (row.request, row.clone())));
            }
            Rows::Records(rows) => rows.iter().cloned().for_each(|row| self.add_record(row)),
        }
    }

    fn add_record(&mut self, row: RecordRow) {
        let RecordRow { id, position, record } = row;
        self.records.insert(id, StoredRecord { position, record });
    }

    /// A salvage drops unreadable records, and writes others once more.
    fn replace_records(&mut self, dropped: &[RecordKey], rewritten: &[RecordRow]) {
        for id in dropped.iter().filter_map(RecordKey::id) {
            self.records.remove(&id);
            self.rotten.remove(&id);
        }
        for row in rewritten {
            self.rotten.remove(&row.id);
            self.add_record(row.clone());
        }
    }

    /// The log and the table of applied ids begin anew with the last entry.
    fn restart_log(&mut self, last: Option<&Entry>) {
        self.trimmed.append(&mut self.log);
        self.snapshot.clear();
        self.is_damaged = true;
        if let Some(last) = last {
            self.oldest_applied = last.position.seq;
            self.log.insert(last.position.seq, last.clone());
        }
    }

    /// What a node finds of the copy when it starts.
    pub(super) fn recovered(&self) -> RecoveredCopy {
        RecoveredCopy {
            view: self.view,
            log_from: self.log.first_key_value().map_or(Seq::ZERO, |(seq, _)| *seq),
            last: self.log.last_key_value().map(|(_, entry)| entry.clone()),
            applied: self.applied(),
            installing: self.installing.clone(),
            damage: self.is_damaged.then_some(Damage::Known),
            salvage: self.salvage.clone(),
            log_sizes: self.log.iter().map(|(seq, entry)| (*seq, entry.size_bytes())).collect(),
        }
    }

    /// The answer to a request, as brought by a snapshot.
    pub(super) fn brought_answer(&self, request: RequestId) -> Option<Answer> {
        self.snapshot.get(&request).map(|row| row.answer.clone())
    }

    /// Every entry since the copy was made or installed.
    pub(crate) fn whole_log(&self) -> BTreeMap<Seq, Entry> {
        self.trimmed.iter().chain(&self.log).map(|(seq, entry)| (*seq, entry.clone())).collect()
    }

    /// An entry since the copy was made or installed.
    pub(crate) fn entry(&self, seq: Seq) -> Option<&Entry> {
        self.log.get(&seq).or_else(|| self.trimmed.get(&seq))
    }

    /// The table of applied ids.
    fn applied(&self) -> Vec<AppliedId> {
        let Some((_, last)) = self.log.last_key_value() else { return Vec::new() };
        assert!(
            self.log.first_key_value().is_some_and(|(first, _)| *first <= self.oldest_applied),
            "rule 12: the log was trimmed beyond an id that is not settled"
        );
        let brought = self.snapshot.values().map(|row| AppliedId {
            request: row.request,
            seq: row.seq,
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

    pub(super) fn copy_mut(&mut self, member: Member) -> &mut CopyOnDisk {
        match member {
            Member::Home => &mut self.home,
            Member::Next => &mut self.next,
        }
    }

    pub(super) fn apply(&mut self, mutation: &Mutation) {
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
            Mutation::Install { member, base } => self.copy_mut(*member).install(base.as_ref()),
            Mutation::Chunk { member, rows, then } => {
                let copy = self.copy_mut(*member);
                copy.add_rows(rows);
                copy.installing.clone_from(then);
            }
            Mutation::MarkDamaged { member } => self.copy_mut(*member).is_damaged = true,
            Mutation::Salvage { member, row, is_damaged, dropped, rewritten } => {
                let copy = self.copy_mut(*member);
                copy.salvage = Some(row.clone());
                copy.is_damaged = *is_damaged;
                copy.replace_records(dropped, rewritten);
            }
            Mutation::RestartLog { member, last } => {
                self.copy_mut(*member).restart_log(last.as_ref());
            }
            Mutation::TrimLog { member, below } => {
                let copy = self.copy_mut(*member);
                let kept = copy.log.split_off(below);
                copy.trimmed.append(&mut std::mem::replace(&mut copy.log, kept));
            }
        }
    }
}
