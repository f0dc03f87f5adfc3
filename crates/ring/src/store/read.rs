//! Reads: what the core may ask without I/O, and what a driver reads apart from the core.
//!
//! ```text
//!   core: at_hand? ---- yes ----> goes on at once
//!             |
//!             no
//!             v
//!   NodeEffect::Read ----> driver: reads, in any order ----> NodeEvent::Read: the core goes on
//! ```
//!
//! A read sees at least what was written when the core asked for it, and perhaps some of what is written meanwhile. What a
//! batch holds that is not written yet it need not see: that is not committed, so the core has it in memory.

use protocol::entry::{Answer, Entry};
use protocol::id::{RequestId, Seq};
use protocol::message::RecordRow;
use protocol::user::UserId;
use protocol::view::Member;

use super::{AnswerIn, AppliedId, ReadError, RecordKey, StoredRecord, Unreadable};

/// Numbers the reads of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct ReadId(pub u64);

impl ReadId {
    /// The number of the read after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A record, as far as it can be told without I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtHand {
    /// The record.
    Record(StoredRecord),
    /// The user has no record.
    Absent,
    /// Only the disk can tell.
    Unknown,
}

/// What the core may ask of a storage: nothing that waits for a disk.
pub trait Stored {
    /// The record of a user in a copy, unsynced writes included.
    ///
    /// # Errors
    ///
    /// When the row is damaged.
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError>;
}

/// How much to read of a log, or of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// At most this many rows.
    pub rows_max: usize,
    /// No further row once there are this many bytes; there is always one.
    pub bytes_max: usize,
}

impl Budget {
    /// One row.
    pub const ONE: Self = Self { rows_max: 1, bytes_max: 0 };
}

/// What a driver is to read of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadWhat {
    /// The record of a user.
    Record(UserId),
    /// The records in the order of their ids.
    Records {
        /// They come after this one; from the first where there is none.
        after: Option<UserId>,
        /// How many.
        budget: Budget,
    },
    /// Entries of the log, in order.
    Entries {
        /// The first.
        from: Seq,
        /// The last.
        to: Seq,
        /// How many of them.
        budget: Budget,
    },
    /// The answers that applied requests got.
    Answers {
        /// The requests.
        ids: Vec<AppliedId>,
        /// No further answer once there are this many bytes; there is always one.
        bytes_max: usize,
    },
    /// The records that cannot be read.
    Unreadable {
        /// The rows come after this one; from the first where there is none.
        after: Option<RecordKey>,
        /// How many rows to look at.
        budget: Budget,
    },
    /// The last entry of the log that can be read, as the only one.
    LastReadable,
}

/// What was read, as [`ReadWhat`] had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadRows {
    /// The record; none where the user has none.
    Record(Option<StoredRecord>),
    /// The records; none where there are no more.
    Records(Vec<RecordRow>),
    /// The entries.
    Entries(Vec<Entry>),
    /// The answers of the first requests, in their order; none where there is none.
    Answers(Vec<(RequestId, Option<Answer>)>),
    /// The records that cannot be read.
    Unreadable(Unreadable),
}

/// What a driver that mixes up reads is told.
const OTHER_ROWS: &str = "a read returns what was asked for";

impl ReadRows {
    /// # Panics
    ///
    /// When something else was read, as with each of these.
    pub(crate) fn into_record(self) -> Option<StoredRecord> {
        let Self::Record(record) = self else { panic!("{OTHER_ROWS}: a record") };
        record
    }

    pub(crate) fn into_records(self) -> Vec<RecordRow> {
        let Self::Records(records) = self else { panic!("{OTHER_ROWS}: records") };
        records
    }

    pub(crate) fn into_entries(self) -> Vec<Entry> {
        let Self::Entries(entries) = self else { panic!("{OTHER_ROWS}: entries") };
        entries
    }

    pub(crate) fn into_answers(self) -> Vec<(RequestId, Option<Answer>)> {
        let Self::Answers(answers) = self else { panic!("{OTHER_ROWS}: answers") };
        answers
    }

    pub(crate) fn into_unreadable(self) -> Unreadable {
        let Self::Unreadable(unreadable) = self else { panic!("{OTHER_ROWS}: unreadable rows") };
        unreadable
    }
}

/// What a node's storage holds, unsynced writes included. A driver reads it; each read may wait for the disk.
///
/// # Errors
///
/// Each method fails when the storage does, or a row is damaged.
pub trait StoredRows {
    /// The record of a user in a copy.
    fn record(&self, member: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError>;

    /// The records of a copy in the order of their ids, after one or from the first, as far as the budget goes; none
    /// where there are no more.
    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        budget: Budget,
    ) -> Result<Vec<RecordRow>, ReadError>;

    /// The entries of a copy's log from `from` to `to`, both included, as far as the budget goes.
    fn entries(
        &self,
        member: Member,
        from: Seq,
        to: Seq,
        budget: Budget,
    ) -> Result<Vec<Entry>, ReadError>;

    /// The answer that an applied request got, as a snapshot brought it: what was applied since is in the log.
    fn applied(&self, member: Member, request: RequestId) -> Result<Option<Answer>, ReadError>;

    /// Which of the records after a row cannot be read, of as many rows as the budget has. That they cannot be read is no
    /// error.
    fn unreadable(
        &self,
        member: Member,
        after: Option<&RecordKey>,
        budget: Budget,
    ) -> Result<Unreadable, ReadError>;

    /// The last entry of the log that can be read. That others cannot be read is no error.
    fn last_readable(&self, member: Member) -> Result<Option<Entry>, ReadError>;

    /// Reads what the core wants read.
    fn read(&self, member: Member, what: &ReadWhat) -> Result<ReadRows, ReadError> {
        Ok(match what {
            ReadWhat::Record(id) => ReadRows::Record(self.record(member, id)?),
            ReadWhat::Records { after, budget } => {
                ReadRows::Records(self.records(member, after.as_ref(), *budget)?)
            }
            ReadWhat::Entries { from, to, budget } => {
                ReadRows::Entries(self.entries(member, *from, *to, *budget)?)
            }
            ReadWhat::Answers { ids, bytes_max } => {
                let (mut answers, mut bytes) = (Vec::new(), 0_usize);
                for AppliedId { request, seq, answer } in ids {
                    if !answers.is_empty() && bytes >= *bytes_max {
                        break;
                    }
                    let answer = match answer {
                        AnswerIn::Log => {
                            let entry = self.entries(member, *seq, *seq, Budget::ONE)?.pop();
                            entry.filter(|entry| entry.request == *request).map(|e| e.answer())
                        }
                        AnswerIn::Row => self.applied(member, *request)?,
                    };
                    bytes = bytes.saturating_add(answer.as_ref().map_or(0, Answer::size_bytes));
                    answers.push((*request, answer));
                }
                ReadRows::Answers(answers)
            }
            ReadWhat::Unreadable { after, budget } => {
                ReadRows::Unreadable(self.unreadable(member, after.as_ref(), *budget)?)
            }
            ReadWhat::LastReadable => {
                ReadRows::Entries(self.last_readable(member)?.into_iter().collect())
            }
        })
    }
}
