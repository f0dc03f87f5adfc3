//! A copy's rows, as a snapshot takes them: in order, in bounded parts, each as of the last entry written.
//!
//! What is written and not committed may not be in storage yet, so it is looked up in the tail: see
//! [`store`](crate::store). The tail can have more rows than a part may have; then the part ends before the storage's does.

use std::collections::BTreeMap;

use protocol::entry::Answer;
use protocol::message::{AppliedRow, Cursor, RecordRow, Rows};
use protocol::user::UserId;

use super::Replica;
use crate::copy::context::{Context, Fault};
use crate::store::{AppliedId, Budget, StoredRecord};

/// The most bytes of rows that are read at once: one message.
const READ_BYTES_MAX: usize = 256 << 10;

impl Replica {
    /// The most rows that a part has: those of storage, and as many of the tail.
    pub(crate) fn part_rows_max(&self) -> usize {
        self.rows_max.saturating_mul(2)
    }

    /// The rows after a cursor, and the cursor after them; none if there are no more.
    pub(crate) fn rows_after(
        &self,
        cx: &Context<'_>,
        cursor: &Cursor,
    ) -> Result<(Rows, Option<Cursor>), Fault> {
        match cursor {
            Cursor::Applied(after) => {
                let mut rows = Vec::new();
                let mut bytes = 0_usize;
                for id in self.applied.after_id(*after) {
                    let AppliedId { request, seq, .. } = id;
                    let answer = self.repeated(cx, id)?;
                    bytes = bytes.saturating_add(answer_bytes(&answer));
                    rows.push(AppliedRow { request, seq, answer });
                    if rows.len() >= self.rows_max || bytes >= READ_BYTES_MAX {
                        let then = Cursor::Applied(Some(request));
                        return Ok((Rows::Applied(rows), Some(then)));
                    }
                }
                Ok((Rows::Applied(rows), Some(Cursor::Records(None))))
            }
            Cursor::Records(after) => {
                let (rows, last) = self.records_after(cx, after.as_ref())?;
                let then = last.map(|last| Cursor::Records(Some(last)));
                Ok((Rows::Records(rows), then))
            }
        }
    }

    /// The records after one, and up to which user they are all there is; none if there are no more.
    fn records_after(
        &self,
        cx: &Context<'_>,
        after: Option<&UserId>,
    ) -> Result<(Vec<RecordRow>, Option<UserId>), Fault> {
        let budget = Budget { rows_max: self.rows_max, bytes_max: READ_BYTES_MAX };
        let stored = cx.stored.records(self.member, after, budget)?;
        let mut last = stored.last().map(|row| row.id.clone());
        let mut uncommitted = self.tail.records(after, last.as_ref());
        let mut newest = stored
            .into_iter()
            .map(|RecordRow { id, position, record }| (id, Some(StoredRecord { position, record })))
            .collect::<BTreeMap<_, _>>();
        newest.extend(
            uncommitted.by_ref().take(self.rows_max).map(|(id, record)| (id.clone(), record)),
        );
        if let Some((beyond, _)) = uncommitted.next() {
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
        Ok((rows, last))
    }
}

/// Roughly the bytes that an answer takes.
fn answer_bytes(answer: &Answer) -> usize {
    const FIXED: usize = 48;
    match answer {
        Answer::Found { record, .. }
        | Answer::Created { record, .. }
        | Answer::Changed { record, .. } => FIXED.saturating_add(record.len()),
        Answer::NotFound | Answer::AlreadyExists | Answer::Deleted | Answer::PreconditionFailed => {
            FIXED
        }
    }
}

#[cfg(test)]
mod tests;
