//! The reads of a copy that are under way, and what each is for.
//!
//! They return in any order. Whoever asked for one may not need it any more when it returns: then it is not used.

use std::collections::BTreeMap;

use protocol::id::{Position, RequestId, Seq};
use protocol::message::Cursor;
use protocol::user::UserId;

use super::PartitionCopy;
use super::context::{Context, Fault};
use super::replica::WasRead;
use super::tail::Pin;
use crate::store::{ReadError, ReadId, ReadRows};

/// What a read is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests wait for the record of this user.
    Record(UserId),
    /// Requests that concern this user wait, the first one for the answer that it got when it was applied.
    Answer(UserId, RequestId),
    /// It goes on with a snapshot, or with the comparison of both copies, at the source.
    Rows(RowsRead),
    /// The receiver of a session is to be sent these entries.
    Log {
        /// The first entry.
        from: Seq,
    },
    /// A session can begin once the position of this entry is known.
    Position(Seq),
    /// The log is looked at for damage.
    Verification {
        /// The first entry.
        from: Seq,
    },
    /// A stretch of the source is compared with the rows here.
    Comparison,
    /// The copy looks for what it cannot read. The pin keeps the entries that were not committed when the read began.
    Salvage(Pin),
}

/// A read of a range of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowsRead {
    /// The rows come after this one.
    pub(crate) after: Cursor,
    /// Keeps the entries that were not committed when the read began.
    pub(crate) pin: Pin,
    /// The last entry when the read began.
    pub(crate) begun_at: Seq,
    /// Which try this is.
    pub(crate) attempt: Attempt,
}

/// A damaged row may have been overwritten since it was read, so one more look decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    First,
    /// After one that met damage.
    Second,
}

/// The reads of a copy that are under way.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    under_way: BTreeMap<ReadId, Purpose>,
    /// The entry whose position was looked up last.
    looked_up: Option<(Seq, Lookup)>,
}

/// What the log says of an entry's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The position; none where the log does not have the entry.
    Is(Option<Position>),
    /// The log is damaged there.
    Damaged(String),
    /// It is being read.
    UnderWay,
}

impl Reads {
    pub(crate) fn begin(&mut self, read: ReadId, purpose: Purpose) {
        self.under_way.insert(read, purpose);
    }

    /// A read has returned: what it was for; none where nobody needs it any more.
    pub(crate) fn end(&mut self, read: ReadId) -> Option<Purpose> {
        self.under_way.remove(&read)
    }

    /// Whether a read for this purpose is under way.
    pub(crate) fn has(&self, purpose: &Purpose) -> bool {
        self.under_way.values().any(|known| known == purpose)
    }

    /// The position of an entry is looked up.
    pub(crate) fn look_up(&mut self, read: ReadId, seq: Seq) {
        self.begin(read, Purpose::Position(seq));
        self.looked_up = Some((seq, Lookup::UnderWay));
    }

    /// What the log says of the position of an entry, if that was looked up last.
    pub(crate) fn looked_up(&self, seq: Seq) -> Option<&Lookup> {
        self.looked_up.as_ref().filter(|(of, _)| *of == seq).map(|(_, lookup)| lookup)
    }

    /// Whether the position of an entry is being looked up.
    pub(crate) fn is_looking_up(&self) -> bool {
        matches!(self.looked_up, Some((_, Lookup::UnderWay)))
    }

    /// The log says this of the position of an entry.
    pub(super) fn has_looked_up(&mut self, seq: Seq, result: Result<ReadRows, ReadError>) {
        if self.looked_up(seq).is_some() {
            let lookup = match result {
                Ok(rows) => Lookup::Is(rows.into_entries().first().map(|entry| entry.position)),
                Err(ReadError::Damaged(what) | ReadError::Failed(what)) => Lookup::Damaged(what),
            };
            self.looked_up = Some((seq, lookup));
        }
    }

    /// What was looked up is used.
    pub(crate) fn forget_lookup(&mut self) {
        self.looked_up = None;
    }

    /// Whether the log is being looked at.
    pub(crate) fn is_verifying(&self) -> bool {
        self.under_way.values().any(|known| matches!(known, Purpose::Verification { .. }))
    }
}

impl PartitionCopy {
    /// A read has returned.
    pub(crate) fn has_read(
        &mut self,
        cx: &mut Context<'_>,
        read: ReadId,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        if let Err(failed @ ReadError::Failed(_)) = result {
            return Err(failed.into());
        }
        let Some(purpose) = self.replica.reads.end(read) else { return Ok(()) };
        let went_on = match purpose {
            Purpose::Record(id) => {
                let record = result.map(ReadRows::into_record);
                return self.serve_waiting(cx, id, WasRead::Record(record));
            }
            Purpose::Answer(id, request) => {
                let answer = result.map(|rows| rows.into_answers().pop().and_then(|row| row.1));
                return self.serve_waiting(cx, id, WasRead::Answer(request, answer));
            }
            Purpose::Rows(rows) => self.has_rows_to_send(cx, (read, rows), result),
            Purpose::Log { from } => self.has_log_to_send(cx, from, result),
            Purpose::Position(seq) => {
                self.replica.reads.has_looked_up(seq, result);
                Ok(())
            }
            Purpose::Verification { from } => self.log_is_verified(cx, from, result),
            Purpose::Comparison => self.has_rows_to_compare(cx, read, result),
            Purpose::Salvage(pin) => self.has_rows_to_salvage(cx, (read, pin), result),
        };
        self.bear_damage(cx, went_on)?;
        self.proceed(cx)
    }

    /// What requests wait for was read: they are admitted again, in their order, as the view may be another one now.
    fn serve_waiting(
        &mut self,
        cx: &mut Context<'_>,
        id: UserId,
        read: WasRead,
    ) -> Result<(), Fault> {
        let (requests, overtaken_by) = self.replica.waiting.take(&id);
        let read = match (read, overtaken_by) {
            (WasRead::Record(_), Some(newest)) => WasRead::Record(Ok(newest)),
            (read, _) => read,
        };
        self.replica.waiting.begin_serving(id, read);
        let served = requests.into_iter().try_for_each(|request| self.request(cx, request));
        self.replica.waiting.end_serving();
        served
    }

    /// More of the log was looked at.
    fn log_is_verified(
        &mut self,
        cx: &mut Context<'_>,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let keep_from = self.needs_log_from();
        if let Some(what) = self.replica.log_is_verified(cx, (from, keep_from), result)? {
            self.tell_of_dropped_log(cx, &what);
        }
        Ok(())
    }
}
