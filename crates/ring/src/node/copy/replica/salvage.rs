//! How a salvage changes a copy: when it is due, what is read for it, what it drops.
//! The order of its steps is in [`copy::salvage`](crate::node::copy::salvage).
//!
//! It is due where an operator has accepted a loss, the view has this copy alone, and the copy was
//! damaged when it heard of that view. That is stored ahead of the view, so that a copy which dies
//! on the way begins again. Damage that is found after the salvage has ended was not accepted by
//! anyone.

use protocol::entry::Entry;
use protocol::id::{RequestId, Seq};
use protocol::message::RecordRow;
use protocol::user::UserId;
use protocol::view::{InSync, View};

use super::Replica;
use super::integrity::Integrity;
use super::last_salvage::Changes;
use super::log::READ;
use super::snapshot_parts::READ_BYTES_MAX;
use crate::node::copy::context::Context;
use crate::node::copy::salvage::Salvager;
use crate::store::{AnswerIn, AtHand, Budget, Mark, ReadWhat, RecordKey, StoredRecord};

impl Replica {
    /// A view is about to be stored: if it accepts the loss of what this copy cannot read, a
    /// salvage begins with it.
    pub(super) fn begin_salvage(&mut self, cx: &mut Context<'_>, view: &View) {
        let Some(accepted) = view.accepted_loss else { return };
        let newest = self.acting.newest();
        let is_news = newest.is_none_or(|known| known.accepted_loss != Some(accepted));
        if !is_news || !self.id.is_alone_in(view) {
            return;
        }
        match self.integrity {
            Integrity::Damaged | Integrity::Unreadable => {}
            Integrity::Salvaged(_) => self.integrity = Integrity::Damaged,
            Integrity::Whole | Integrity::Installing(_) | Integrity::Installed(_) => return,
        }
        self.salvage.begin(accepted);
        self.write_salvage(cx, Changes::default());
    }

    /// Whether the copy drops what it cannot read.
    pub(crate) fn is_salvaging(&self) -> bool {
        let Some(view) = self.view().filter(|view| self.id.is_alone_in(view)) else { return false };
        let salvage = self.salvage.accepted_by(Some(view));
        salvage.is_some_and(|salvage| !salvage.ended)
            && self.acting.storing().is_none()
            && self.integrity.has_damage()
    }

    /// Whether the other copy is to be sent nothing: rows are dropped, or that they were is not
    /// durable.
    pub(crate) fn holds_back_data(&self) -> bool {
        self.is_salvaging() || matches!(self.integrity, Integrity::Salvaged(_))
    }

    /// The copy acts on a view from now: if that counts on both copies, the other one was restored.
    pub(super) fn end_restoring(&mut self, cx: &mut Context<'_>, view: &View) {
        let is_both = matches!(view.in_sync, InSync::Both { .. });
        if is_both && self.salvage.end_restoring() {
            self.write_salvage(cx, Changes::default());
        }
    }

    fn write_salvage(&self, cx: &mut Context<'_>, changes: Changes) -> Mark {
        self.salvage.write(cx, self.id.member, &self.integrity, changes)
    }
}

impl Salvager<'_> {
    /// The entries from here on that are to be looked at; none where there are no more.
    pub(crate) fn entries(&self, from: Seq) -> Option<ReadWhat> {
        let to = self.replica.log.durable();
        let is_there = self.replica.log.from() > Seq::ZERO && from <= to;
        is_there.then_some(ReadWhat::Entries { from, to, budget: READ })
    }

    /// The rows of applied ids after one that are to be looked at; none where there are no more.
    pub(crate) fn answers(&self, after: Option<RequestId>) -> Option<ReadWhat> {
        let ids = self.replica.applied.after_id(after);
        let rows = ids.filter(|id| id.answer == AnswerIn::Row);
        let ids = rows.take(self.replica.rows_max).collect::<Vec<_>>();
        (!ids.is_empty()).then_some(ReadWhat::Answers { ids, bytes_max: READ_BYTES_MAX })
    }

    /// The records after one that are to be looked at.
    pub(crate) fn records(&self, after: Option<RecordKey>) -> ReadWhat {
        let budget = Budget { rows_max: self.replica.rows_max, bytes_max: READ_BYTES_MAX };
        ReadWhat::Unreadable { after, budget }
    }

    /// The log, or the table of applied ids, cannot be read: both begin anew with the last entry.
    /// Where the copy does not know that one, it is `readable`.
    pub(crate) fn begin_anew(&mut self, cx: &mut Context<'_>, readable: Option<Entry>) {
        let replica = &mut *self.replica;
        if replica.integrity.is_unreadable() {
            replica.log.restart_at(cx, readable);
            replica.integrity = Integrity::Damaged;
        } else {
            replica.log.restart(cx);
        }
        replica.verification.restart();
        replica.applied.restart(replica.log.last_entry().as_ref());
    }

    /// Drops records that cannot be read. What memory has of them is written once more.
    pub(crate) fn drop_records(&mut self, cx: &mut Context<'_>, keys: Vec<RecordKey>) {
        let mut changes = Changes::default();
        for key in keys {
            let id = key.id();
            let in_memory = id.as_ref().and_then(|id| Some((id, self.in_memory(cx, id)?)));
            if let Some(id) = &id {
                // A read that is under way may have met the row before.
                let newest = || in_memory.as_ref().and_then(|(_, record)| record.clone());
                self.replica.waiting.overtake(id, newest);
            }
            match in_memory {
                Some((id, Some(StoredRecord { position, record }))) => {
                    changes.rewritten.push(RecordRow { id: id.clone(), position, record });
                }
                // An entry has deleted it.
                Some((_, None)) => changes.dropped.push(key),
                None => {
                    changes.dropped.push(key);
                    self.replica.salvage.drop_record(id);
                }
            }
        }
        if !(changes.dropped.is_empty() && changes.rewritten.is_empty()) {
            self.replica.write_salvage(cx, changes);
        }
    }

    /// The newest state of a user's record, if memory has it. The pin of the read that came before
    /// has kept every entry since.
    fn in_memory(&self, cx: &Context<'_>, id: &UserId) -> Option<Option<StoredRecord>> {
        if let Some(latest) = self.replica.log.tail().record(id) {
            return Some(latest.record);
        }
        match cx.stored.at_hand(self.replica.id.member, id) {
            Ok(AtHand::Record(record)) => Some(Some(record)),
            Ok(AtHand::Absent | AtHand::Unknown) | Err(_) => None,
        }
    }

    /// All was looked at. The copy is whole once that is durable.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        let replica = &mut *self.replica;
        replica.salvage.end(replica.log.written().seq);
        // Not damaged any more, before that is written.
        replica.integrity = Integrity::Salvaged(cx.last_write());
        let mark = replica.write_salvage(cx, Changes::default());
        replica.integrity = Integrity::Salvaged(mark);
    }
}
