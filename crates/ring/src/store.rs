//! The core's interface to a node's storage: reads of stored rows, and mutations for a driver to
//! carry out.
//!
//! The core never waits for storage. While it handles an event, it asks [`Stored`] for the rows
//! at hand without I/O. A row that is only on the disk needs a [`read`]: the core asks by an
//! effect, and gets the rows by a later event. The core hands out [`Mutation`]s, each with a
//! [`Mark`]. The driver writes them in order and syncs. It then reports the highest mark written
//! before that sync began.
//!
//! A driver may delay its writes: a sync covers only the writes before its begin. It may also
//! write while the core handles an event. The core keeps uncommitted entries in memory, and
//! looks there first.

mod read;
mod rows;
mod salvage;

pub use read::{AtHand, Budget, ReadId, ReadRows, ReadWhat, Stored, StoredRows};
pub use rows::{AnswerIn, AppliedId, ReadError, StoredRecord};
pub use salvage::{RecordKey, SalvageRow, Unreadable};

use std::time::Duration;

use protocol::entry::Entry;
use protocol::hello::Membership;
use protocol::id::{Position, RequestId, Seq};
use protocol::message::{Condition, Cursor, RecordRow, Rows};
use protocol::view::{Member, View};

/// A disk is silent if a sync or a save has not returned for this long. Operators are told.
pub(crate) const SILENT_AFTER: Duration = Duration::from_secs(1);

/// The number of a mutation. The mutations of a node are numbered in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Mark(pub u64);

impl Mark {
    /// The number of the next mutation.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A change of a node's storage. Each change is atomic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// The node was formed into a cluster.
    Membership(Membership),
    /// A copy is about to act on this view.
    View {
        /// The copy.
        member: Member,
        /// The view.
        view: View,
    },
    /// An entry: added to the log, and applied to the record.
    ///
    /// The log is also the table of applied ids. An entry has the id of its request, and the
    /// answer follows from the entry. So the log is never trimmed beyond the oldest entry with
    /// an unsettled request.
    Apply {
        /// The copy.
        member: Member,
        /// The entry.
        entry: Entry,
        /// The oldest entry with a request in the table, once this entry is applied. Storage
        /// keeps it beside the entry.
        oldest_applied: Seq,
        /// The ids settled by this entry and brought by a snapshot. Their rows are deleted.
        settled: Vec<RequestId>,
        /// Whether the entry changes the record.
        scope: Scope,
    },
    /// A snapshot begins. All data of the copy is dropped, its log begins with this entry, and
    /// the copy is marked as being installed. The view stays.
    Install {
        /// The copy.
        member: Member,
        /// The last entry before the snapshot, without its effect.
        base: Option<Entry>,
    },
    /// Rows of a snapshot.
    Chunk {
        /// The copy.
        member: Member,
        /// The rows.
        rows: Rows,
        /// The new progress of the installation. None ends it: the copy is whole.
        then: Option<Cursor>,
    },
    /// A row of the copy differs from the row written there. Storage keeps this fact until a
    /// snapshot replaces the copy, or a salvage makes it whole.
    MarkDamaged {
        /// The copy.
        member: Member,
    },
    /// The new state of a copy's salvage.
    Salvage {
        /// The copy.
        member: Member,
        /// The new state.
        row: SalvageRow,
        /// Whether the copy is damaged from now on.
        is_damaged: bool,
        /// The dropped records.
        dropped: Vec<RecordKey>,
        /// Records to write again, as they were in memory.
        rewritten: Vec<RecordRow>,
    },
    /// The log and the table of applied ids cannot be read. All their rows are dropped except
    /// this entry. The copy is damaged.
    RestartLog {
        /// The copy.
        member: Member,
        /// The last readable entry.
        last: Option<Entry>,
    },
    /// The entries below this one are not needed any more.
    TrimLog {
        /// The copy.
        member: Member,
        /// The first entry to keep.
        below: Seq,
    },
}

/// The target of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The log and the record.
    Whole,
    /// The log alone. A snapshot brings the record in a later chunk.
    WithoutRecord,
}

/// The contents of a node's storage at its start.
///
/// All of them must be durable: a driver syncs the recovered data before it reads them (rule
/// 11).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The cluster of the node; none if it was never formed into one.
    pub membership: Option<Membership>,
    /// Its home copy.
    pub home: RecoveredCopy,
    /// Its next copy.
    pub next: RecoveredCopy,
}

/// The contents of one copy at a node's start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveredCopy {
    /// The newest stored view.
    pub view: Option<View>,
    /// The first entry of the log; [`Seq::ZERO`] if the log is empty.
    pub log_from: Seq,
    /// The last entry.
    pub last: Option<Entry>,
    /// The applied ids: those brought by a snapshot, and those in the log. The log's are the
    /// requests of all entries from `oldest_applied` of the last entry on, except those settled
    /// by the last entry.
    pub applied: Vec<AppliedId>,
    /// The progress of an incomplete snapshot; none if no snapshot is incomplete.
    pub installing: Option<Cursor>,
    /// The damage found now or before; none if every row is sound.
    pub damage: Option<Damage>,
    /// The last salvage, if there was one.
    pub salvage: Option<SalvageRow>,
    /// The entries of the log, each with its size in bytes.
    pub log_sizes: Vec<(Seq, usize)>,
}

impl RecoveredCopy {
    /// The position of the last entry.
    pub fn written(&self) -> Position {
        self.last.as_ref().map(|last| last.position).unwrap_or_default()
    }

    /// The condition of the copy.
    pub fn condition(&self) -> Condition {
        match (&self.installing, &self.damage) {
            (_, Some(Damage::Unreadable(_))) => Condition::Unreadable,
            (Some(_), _) => Condition::Partial,
            (None, Some(Damage::Known)) => Condition::Damaged,
            (None, None) => Condition::Whole,
        }
    }
}

/// The damage of a copy, as known when its node starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// A damaged row was found before. The rows needed to go on are sound.
    Known,
    /// The rows about the copy's progress are unreadable, for this reason. Nothing else of the
    /// copy may be used.
    Unreadable(String),
}
