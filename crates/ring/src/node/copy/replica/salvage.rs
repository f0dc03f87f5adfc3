//! What a copy knows of its salvage: whether one is due, what is read for it, what it changes. [`salvage`](crate::node::copy::salvage)
//! has the order of its steps.
//!
//! It is due where an operator has accepted a loss, the view has this copy alone, and the copy was damaged when it heard of that
//! view. That is stored ahead of the view, so that a copy which dies on the way begins again. Damage that is found after the
//! salvage has ended was not accepted by anyone.

use protocol::entry::Entry;
use protocol::id::{Position, RequestId, Seq};
use protocol::message::RecordRow;
use protocol::salvage::Salvage;
use protocol::user::UserId;
use protocol::view::{InSync, View};

use super::Replica;
use super::extent::Extent;
use super::integrity::Integrity;
use super::log::READ;
use super::scan::READ_BYTES_MAX;
use crate::node::copy::context::Context;
use crate::node::copy::durability::Durability;
use crate::store::{
    AnswerIn, AtHand, Budget, Mark, Mutation, ReadWhat, RecordKey, SalvageRow, StoredRecord,
};

impl Replica {
    /// A view is about to be stored: if it accepts the loss of what this copy cannot read, a salvage begins with it.
    pub(super) fn begin_salvage(&mut self, cx: &mut Context<'_>, view: &View) {
        let Some(accepted) = view.accepted_loss else { return };
        let is_news = self.newest_view().is_none_or(|known| known.accepted_loss != Some(accepted));
        if !is_news || view.in_sync.sole() != Some((self.member, self.me)) {
            return;
        }
        match self.integrity {
            Integrity::Damaged | Integrity::Unreadable => {}
            Integrity::Salvaged(_) => self.integrity = Integrity::Damaged,
            Integrity::Whole | Integrity::Installing(_) | Integrity::Installed(_) => return,
        }
        self.salvage = Some(SalvageRow { salvage: Salvage::begin(accepted), snapshot_to: None });
        self.write_salvage(cx, Vec::new(), Vec::new());
    }

    /// Whether the copy drops what it cannot read.
    pub(crate) fn is_salvaging(&self) -> bool {
        let Some(SalvageRow { salvage, .. }) = &self.salvage else { return false };
        let is_accepted = |view: &View| {
            view.accepted_loss == Some(salvage.accepted)
                && view.in_sync.sole() == Some((self.member, self.me))
        };
        !salvage.ended
            && self.storing().is_none()
            && self.view().is_some_and(is_accepted)
            && matches!(self.integrity, Integrity::Damaged | Integrity::Unreadable)
    }

    /// Whether the other copy is to be sent nothing: rows are dropped, or that they were is not durable.
    pub(crate) fn holds_back_data(&self) -> bool {
        self.is_salvaging() || matches!(self.integrity, Integrity::Salvaged(_))
    }

    /// Whether the copy does not know how far it is.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.integrity, Integrity::Unreadable)
    }

    /// The salvage that the view remembers.
    pub(crate) fn accepted_salvage(&self) -> Option<&Salvage> {
        let accepted = self.view()?.accepted_loss?;
        let salvage = self.salvage.as_ref().map(|row| &row.salvage);
        salvage.filter(|salvage| salvage.accepted == accepted)
    }

    /// Whether a copy out of sync that ends with this entry has to be restored by a snapshot: its log does not tell of what was
    /// dropped here.
    pub(crate) fn needs_snapshot(&self, theirs: Seq) -> bool {
        let snapshot_to = self.salvage.as_ref().and_then(|row| row.snapshot_to);
        snapshot_to.is_some_and(|to| theirs <= to)
    }

    /// The copy acts on a view from now: if that counts on both copies, the other one was restored.
    pub(super) fn end_restoring(&mut self, cx: &mut Context<'_>, view: &View) {
        let is_both = matches!(view.in_sync, InSync::Both { .. });
        if let Some(row) = self.salvage.as_mut().filter(|_| is_both)
            && row.snapshot_to.take().is_some()
        {
            self.write_salvage(cx, Vec::new(), Vec::new());
        }
    }

    /// The entries from here on that are to be looked at; none where there are no more.
    pub(crate) fn entries_to_salvage(&self, from: Seq) -> Option<ReadWhat> {
        let to = self.durable();
        let is_there = self.log_from() > Seq::ZERO && from <= to;
        is_there.then_some(ReadWhat::Entries { from, to, budget: READ })
    }

    /// The rows of applied ids after one that are to be looked at; none where there are no more.
    pub(crate) fn answers_to_salvage(&self, after: Option<RequestId>) -> Option<ReadWhat> {
        let rows = self.applied_after(after).filter(|id| id.answer == AnswerIn::Row);
        let ids = rows.take(self.rows_max).collect::<Vec<_>>();
        (!ids.is_empty()).then_some(ReadWhat::Answers { ids, bytes_max: READ_BYTES_MAX })
    }

    /// The records after one that are to be looked at.
    pub(crate) fn records_to_salvage(&self, after: Option<RecordKey>) -> ReadWhat {
        let budget = Budget { rows_max: self.rows_max, bytes_max: READ_BYTES_MAX };
        ReadWhat::Unreadable { after, budget }
    }

    /// Whether a request has a row of its own in the table of applied ids.
    pub(crate) fn has_row(&self, request: RequestId) -> bool {
        self.applied.get(request).is_some_and(|id| id.answer == AnswerIn::Row)
    }

    /// The log, or the table of applied ids, cannot be read: both begin anew with the last entry. Where the copy does not know
    /// that one, it is `readable`.
    pub(crate) fn restart_log(&mut self, cx: &mut Context<'_>, readable: Option<Entry>) {
        if self.is_unreadable() {
            self.last = readable;
        }
        let last = self.last.clone();
        let mark = cx.write(Mutation::RestartLog { member: self.member, last: last.clone() });
        self.extent = Extent::default();
        if let Some(last) = &last {
            self.extent.push(last.position.seq, last.size_bytes());
        }
        self.verified = Seq::ZERO;
        self.applied.restart(last.as_ref());
        if self.is_unreadable() {
            self.integrity = Integrity::Damaged;
            let position = last.map_or(Position::ZERO, |last| last.position);
            (self.written, self.found) = (position, position.seq);
            self.durability = Durability::recovered(Position::ZERO);
            if position != Position::ZERO {
                self.durability.wrote(mark, position);
            }
        }
    }

    /// Drops records that cannot be read. What memory has of them is written once more.
    pub(crate) fn salvage_records(&mut self, cx: &mut Context<'_>, keys: Vec<RecordKey>) {
        let (mut dropped, mut rewritten) = (Vec::new(), Vec::new());
        for key in keys {
            let id = key.id();
            let in_memory = id.as_ref().and_then(|id| Some((id, self.in_memory(cx, id)?)));
            if let Some(id) = &id {
                // A read that is under way may have met the row before.
                let newest = || in_memory.as_ref().and_then(|(_, record)| record.clone());
                self.waiting.overtake(id, newest);
            }
            match in_memory {
                Some((id, Some(StoredRecord { position, record }))) => {
                    rewritten.push(RecordRow { id: id.clone(), position, record });
                }
                // An entry has deleted it.
                Some((_, None)) => dropped.push(key),
                None => {
                    dropped.push(key);
                    if let Some(row) = &mut self.salvage {
                        row.salvage.drop_record(id);
                    }
                }
            }
        }
        if !(dropped.is_empty() && rewritten.is_empty()) {
            self.write_salvage(cx, dropped, rewritten);
        }
    }

    /// The newest state of a user's record, if memory has it. The pin of the read that came before has kept every entry since.
    fn in_memory(&self, cx: &Context<'_>, id: &UserId) -> Option<Option<StoredRecord>> {
        if let Some(latest) = self.tail.record(id) {
            return Some(latest.record);
        }
        match cx.stored.at_hand(self.member, id) {
            Ok(AtHand::Record(record)) => Some(Some(record)),
            Ok(AtHand::Absent | AtHand::Unknown) | Err(_) => None,
        }
    }

    /// All was looked at. The copy is whole once that is durable.
    pub(crate) fn end_salvage(&mut self, cx: &mut Context<'_>) {
        let Some(row) = &mut self.salvage else { return };
        row.salvage.ended = true;
        row.snapshot_to = Some(self.written.seq);
        // Not damaged any more, before that is written.
        self.integrity = Integrity::Salvaged(cx.last_write());
        let mark = self.write_salvage(cx, Vec::new(), Vec::new());
        self.integrity = Integrity::Salvaged(mark);
    }

    fn write_salvage(
        &self,
        cx: &mut Context<'_>,
        dropped: Vec<RecordKey>,
        rewritten: Vec<RecordRow>,
    ) -> Mark {
        let Some(row) = self.salvage.clone() else {
            unreachable!("a salvage that is written was begun")
        };
        let is_damaged = matches!(self.integrity, Integrity::Damaged | Integrity::Unreadable);
        cx.write(Mutation::Salvage { member: self.member, row, is_damaged, dropped, rewritten })
    }
}
