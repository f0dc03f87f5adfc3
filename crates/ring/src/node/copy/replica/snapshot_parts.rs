//! A copy's rows, as a snapshot takes them: in order, in bounded parts, each as of the last entry
//! written.
//!
//! A part is read first, which takes time, and then made of what was read and of the tail, where a
//! pin has kept all that was not committed when the read began: see
//! [`tail`](crate::node::copy::tail). The tail can have more rows than a part may have; then the
//! part ends before the storage's does.

use std::collections::BTreeMap;

use protocol::entry::Answer;
use protocol::id::{RequestId, Seq};
use protocol::message::{AppliedRow, Cursor, RecordRow, Rows};
use protocol::user::UserId;

use super::log::EntryLog;
use crate::node::copy::applied::{Applied, missing_answer};
use crate::node::copy::context::Fault;
use crate::store::{AppliedId, Budget, ReadRows, ReadWhat, StoredRecord};

/// The most bytes of rows that are read at once: one message.
pub(crate) const READ_BYTES_MAX: usize = 256 << 10;

/// Rows, and the cursor after them; none if there are no more.
pub(crate) type Part = (Rows, Option<Cursor>);

/// Reads the rows of a copy. It changes nothing.
#[derive(Clone, Copy)]
pub(crate) struct SnapshotParts<'a> {
    pub(super) log: &'a EntryLog,
    pub(super) applied: &'a Applied,
    /// The most rows that are read at once, of storage and of the tail each.
    pub(super) rows_max: usize,
}

impl<'a> SnapshotParts<'a> {
    /// The most rows that a part has: those of storage, and as many of the tail.
    pub(crate) fn part_rows_max(self) -> usize {
        self.rows_max.saturating_mul(2)
    }

    /// What has to be read for the rows after a cursor, of the applied requests those up to an
    /// entry; none where memory has them.
    pub(crate) fn rows_to_read(self, after: &Cursor, applied_to: Seq) -> Option<ReadWhat> {
        match after {
            Cursor::Applied(after) => {
                let ids = self.applied_by(*after, applied_to).take(self.rows_max);
                self.answers_to_read(ids)
            }
            Cursor::Records(after) => {
                let budget = Budget { rows_max: self.rows_max, bytes_max: READ_BYTES_MAX };
                Some(ReadWhat::Records { after: after.clone(), budget })
            }
        }
    }

    /// What has to be read for the answers of these requests: those that a pin of now does not
    /// keep.
    pub(crate) fn answers_to_read(self, ids: impl Iterator<Item = AppliedId>) -> Option<ReadWhat> {
        let is_kept = |id: &AppliedId| {
            id.seq > self.log.committed() && self.log.tail().entry(id.seq).is_some()
        };
        let ids = ids.filter(|id| !is_kept(id)).collect::<Vec<_>>();
        (!ids.is_empty()).then_some(ReadWhat::Answers { ids, bytes_max: READ_BYTES_MAX })
    }

    /// The rows after a cursor as of the last entry, made of what was read after it; none where
    /// that is not enough for one. Of the applied requests it has those up to an entry.
    pub(crate) fn rows_after(
        self,
        after: &Cursor,
        applied_to: Seq,
        read: ReadRows,
    ) -> Result<Option<Part>, Fault> {
        match after {
            Cursor::Applied(after) => self.applied_part(*after, applied_to, read.into_answers()),
            Cursor::Records(after) => {
                let (rows, last) = self.records_after(after.as_ref(), read.into_records());
                let then = last.map(|last| Cursor::Records(Some(last)));
                Ok(Some((Rows::Records(rows), then)))
            }
        }
    }

    /// The applied requests after one that were applied by entries up to this one, in their order.
    fn applied_by(
        self,
        after: Option<RequestId>,
        applied_to: Seq,
    ) -> impl Iterator<Item = AppliedId> + use<'a> {
        self.applied.after_id(after).filter(move |id| id.seq <= applied_to)
    }

    /// The answer of an applied request, if its entry is in memory.
    pub(crate) fn answer_at_hand(self, id: AppliedId) -> Option<Answer> {
        self.log.tail().entry(id.seq).map(|entry| entry.answer())
    }

    /// Whether an entry behind `since` has changed a record after one and up to another.
    pub(crate) fn has_changed(self, after: &Cursor, to: Option<&Cursor>, since: Seq) -> bool {
        let Cursor::Records(after) = after else { return false };
        let to = match to {
            Some(Cursor::Records(to)) => to.as_ref(),
            Some(Cursor::Applied(_)) | None => None,
        };
        self.log.tail().touches(after.as_ref(), to, since)
    }

    fn applied_part(
        self,
        after: Option<RequestId>,
        applied_to: Seq,
        read: Vec<(RequestId, Option<Answer>)>,
    ) -> Result<Option<Part>, Fault> {
        let mut read = read.into_iter().collect::<BTreeMap<_, _>>();
        let (mut rows, mut bytes) = (Vec::<AppliedRow>::new(), 0_usize);
        for id in self.applied_by(after, applied_to) {
            let AppliedId { request, seq, .. } = id;
            let answer = match (self.log.tail().entry(seq), read.remove(&request)) {
                (Some(entry), _) => entry.answer(),
                (None, Some(answer)) => answer.ok_or_else(|| missing_answer(id))?,
                (None, None) => {
                    let last = rows.last().map(|row| Cursor::Applied(Some(row.request)));
                    return Ok(last.map(|last| (Rows::Applied(rows), Some(last))));
                }
            };
            bytes = bytes.saturating_add(answer.size_bytes());
            rows.push(AppliedRow { request, seq, answer });
            if rows.len() >= self.rows_max || bytes >= READ_BYTES_MAX {
                let then = Cursor::Applied(Some(request));
                return Ok(Some((Rows::Applied(rows), Some(then))));
            }
        }
        Ok(Some((Rows::Applied(rows), Some(Cursor::Records(None)))))
    }

    /// The records after one, and up to which user they are all there is; none if there are no
    /// more.
    fn records_after(
        self,
        after: Option<&UserId>,
        stored: Vec<RecordRow>,
    ) -> (Vec<RecordRow>, Option<UserId>) {
        let mut last = stored.last().map(|row| row.id.clone());
        let mut in_tail = self.log.tail().records(after, last.as_ref());
        let mut newest = stored
            .into_iter()
            .map(|RecordRow { id, position, record }| (id, Some(StoredRecord { position, record })))
            .collect::<BTreeMap<_, _>>();
        newest
            .extend(in_tail.by_ref().take(self.rows_max).map(|(id, record)| (id.clone(), record)));
        if let Some((beyond, _)) = in_tail.next() {
            newest.split_off(beyond);
            last = newest.last_key_value().map(|(id, _)| id.clone());
        }
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        for (id, record) in newest {
            let Some(StoredRecord { position, record }) = record else { continue };
            if bytes >= READ_BYTES_MAX {
                last = rows.last().map(|row: &RecordRow| row.id.clone());
                break;
            }
            bytes = bytes.saturating_add(record.len());
            rows.push(RecordRow { id, position, record });
        }
        (rows, last)
    }
}

#[cfg(test)]
mod tests;
