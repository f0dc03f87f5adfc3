//! Reads: the core's questions without I/O, and the reads of a driver outside the core.
//!
//! ```text
//!   core: at_hand? ---- yes ----> goes on at once
//!             |
//!             no
//!             v
//!   NodeEffect::Read ----> driver: reads, in any order ----> NodeEvent::Read: the core goes on
//! ```
//!
//! A read sees at least all writes made before the core asked for it, and perhaps some later
//! writes. A read need not see the unwritten mutations of a batch: they are uncommitted, so the
//! core has them in memory.

use protocol::entry::{Answer, Entry};
use protocol::id::{RequestId, Seq};
use protocol::message::RecordRow;
use protocol::user::UserId;
use protocol::view::Member;

use super::rows::{AnswerIn, AppliedId, ReadError, StoredRecord};
use super::salvage::{RecordKey, Unreadable};

/// The number of a read. The reads of a node are numbered in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct ReadId(pub u64);

impl ReadId {
    /// The number of the next read.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The answer of storage about a record, without I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtHand {
    /// The record.
    Record(StoredRecord),
    /// The user has no record.
    Absent,
    /// Only a read of the disk can tell.
    Unknown,
}

/// The core's view of a storage, without any wait for a disk.
pub trait Stored {
    /// The record of a user in a copy, unsynced writes included.
    ///
    /// # Errors
    ///
    /// When the row is damaged.
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError>;
}

/// The limits of a read of a log or of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// At most this many rows.
    pub rows_max: usize,
    /// The read stops after this many bytes, but returns at least one row if there is one.
    pub bytes_max: usize,
}

impl Budget {
    /// One row.
    pub const ONE: Self = Self { rows_max: 1, bytes_max: 0 };
}

/// A read of a copy, for a driver to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadWhat {
    /// The record of a user.
    Record(UserId),
    /// The records in the order of their ids.
    Records {
        /// The records after this one; from the first if none.
        after: Option<UserId>,
        /// How many to read.
        budget: Budget,
    },
    /// Entries of the log, in order.
    Entries {
        /// The first entry.
        from: Seq,
        /// The last entry.
        to: Seq,
        /// How many to read.
        budget: Budget,
    },
    /// The answers to applied requests.
    Answers {
        /// The requests.
        ids: Vec<AppliedId>,
        /// The read stops after this many bytes, but returns at least one answer if there is
        /// one.
        bytes_max: usize,
    },
    /// The unreadable records.
    Unreadable {
        /// The rows after this one; from the first if none.
        after: Option<RecordKey>,
        /// How many rows to check.
        budget: Budget,
    },
    /// The last readable entry of the log, alone.
    LastReadable,
}

/// The result of a [`ReadWhat`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadRows {
    /// The record; none if the user has none.
    Record(Option<StoredRecord>),
    /// The records; an empty list at the end.
    Records(Vec<RecordRow>),
    /// The entries.
    Entries(Vec<Entry>),
    /// The answers to the first requests, in their order; none for a request without an answer.
    Answers(Vec<(RequestId, Option<Answer>)>),
    /// The unreadable records.
    Unreadable(Unreadable),
}

/// The panic message for a driver that mixes up reads.
const OTHER_ROWS: &str = "a read returns what was asked for";

impl ReadRows {
    /// # Panics
    ///
    /// When the rows are of another kind. The methods below panic in the same way.
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

/// The contents of a node's storage, unsynced writes included. A driver reads them. Each read
/// may wait for the disk.
///
/// # Errors
///
/// Each method fails when the storage fails or a row is damaged.
pub trait StoredRows {
    /// The record of a user in a copy.
    fn record(&self, member: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError>;

    /// The records of a copy in the order of their ids, after `after` or from the first, within
    /// the budget. An empty list marks the end.
    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        budget: Budget,
    ) -> Result<Vec<RecordRow>, ReadError>;

    /// The entries of a copy's log from `from` to `to`, both included, within the budget.
    fn entries(
        &self,
        member: Member,
        from: Seq,
        to: Seq,
        budget: Budget,
    ) -> Result<Vec<Entry>, ReadError>;

    /// The answer to an applied request, as brought by a snapshot. The log has the answers to
    /// later requests.
    fn applied(&self, member: Member, request: RequestId) -> Result<Option<Answer>, ReadError>;

    /// The unreadable records after a row, among as many rows as the budget allows. An
    /// unreadable record is not an error here.
    fn unreadable(
        &self,
        member: Member,
        after: Option<&RecordKey>,
        budget: Budget,
    ) -> Result<Unreadable, ReadError>;

    /// The last readable entry of the log. Other, unreadable entries are not an error here.
    fn last_readable(&self, member: Member) -> Result<Option<Entry>, ReadError>;

    /// Carries out a read of the core.
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
