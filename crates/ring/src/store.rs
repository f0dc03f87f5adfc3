//! What the core asks of a node's storage: reads of what is there, and mutations that a driver carries out.
//!
//! The core never waits for storage. While it handles an event it asks [`Stored`] for what is at hand without I/O; what only
//! the disk can tell is a [`read`], an effect and later an event. It hands out [`Mutation`]s with a [`Mark`]; the driver
//! writes them in order, syncs, and reports the highest mark that a sync which began after the write has covered.
//!
//! A driver may write late, as long as it writes before it syncs, and it may do so while the core handles an event: what is
//! written but not yet committed the core keeps in memory, and looks there first.

mod read;
mod salvage;

pub use read::{AtHand, Budget, ReadId, ReadRows, ReadWhat, Stored, StoredRows};
pub use salvage::{RecordKey, SalvageRow, Unreadable};

use std::time::Duration;

use protocol::entry::{Entry, RecordJson};
use protocol::hello::Membership;
use protocol::id::{Position, RequestId, Seq};
use protocol::message::{Condition, Cursor, RecordRow, Rows};
use protocol::view::{Member, View};

/// A disk on which a sync or a save has not returned for this long is silent: operators are told.
pub(crate) const SILENT_AFTER: Duration = Duration::from_secs(1);

/// Numbers the mutations of a node, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Mark(pub u64);

impl Mark {
    /// The number of the mutation after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A change of a node's storage. Each is all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// The node was formed into a cluster.
    Membership(Membership),
    /// The view that a copy is going to act on.
    View {
        /// Which copy.
        member: Member,
        /// The view.
        view: View,
    },
    /// An entry: into the log, and its effect on the record.
    ///
    /// The log is the table of applied ids too: an entry has its request's id, and the answer follows from it. So the log is
    /// never trimmed beyond the oldest entry whose request is not settled.
    Apply {
        /// Which copy.
        member: Member,
        /// The entry.
        entry: Entry,
        /// The oldest entry whose request is in the table after this one, which is kept beside it.
        oldest_applied: Seq,
        /// The ids that it settles and a snapshot has brought: their rows go.
        settled: Vec<RequestId>,
        /// Whether the record is touched.
        scope: Scope,
    },
    /// A snapshot begins: whatever the copy holds is dropped, its log begins with this entry, and it is marked as
    /// being installed. The view stays.
    Install {
        /// Which copy.
        member: Member,
        /// The entry that the snapshot is taken after, without its effect.
        base: Option<Entry>,
    },
    /// Rows of a snapshot.
    Chunk {
        /// Which copy.
        member: Member,
        /// The rows.
        rows: Rows,
        /// The mark from now on; none takes it away: the copy is whole.
        then: Option<Cursor>,
    },
    /// A row of the copy is not what was written; it is remembered until a snapshot takes the copy's place.
    MarkDamaged {
        /// Which copy.
        member: Member,
    },
    /// How the salvage of a copy stands from now on.
    Salvage {
        /// Which copy.
        member: Member,
        /// How it stands.
        row: SalvageRow,
        /// Whether the copy is damaged from now on.
        is_damaged: bool,
        /// The records that are dropped.
        dropped: Vec<RecordKey>,
        /// Records that are written once more, as memory had them.
        rewritten: Vec<RecordRow>,
    },
    /// The log and the table of applied ids cannot be read: all of them is dropped but for this entry. The copy is damaged.
    RestartLog {
        /// Which copy.
        member: Member,
        /// The last entry that can be read.
        last: Option<Entry>,
    },
    /// The entries below this one are not needed any more.
    TrimLog {
        /// Which copy.
        member: Member,
        /// The first entry that stays.
        below: Seq,
    },
}

/// What an entry is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The log and the record.
    Whole,
    /// The log alone: a snapshot will bring the record in a later chunk.
    WithoutRecord,
}

/// A record as a copy holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The entry that last wrote it.
    pub position: Position,
    /// The record.
    pub record: RecordJson,
}

/// A request in the table of applied ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedId {
    /// The request.
    pub request: RequestId,
    /// The entry that applied it.
    pub seq: Seq,
    /// Where its answer is.
    pub answer: AnswerIn,
}

/// Where the answer to an applied request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerIn {
    /// In the log: it follows from the entry.
    Log,
    /// In a row of its own, which a snapshot brought.
    Row,
}

/// Why something stored is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Storage could not be read. The node must stop: it would have to guess.
    #[error("storage: {0}")]
    Failed(String),
    /// A row is there and is not what was written, by its checksum or by what it says; or one that must be there is not.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// What a node finds in its storage when it starts.
///
/// Everything in it must be durable: a driver syncs what it recovered before it reads it (rule 11).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The cluster that the node was formed into, if it was.
    pub membership: Option<Membership>,
    /// Its home copy.
    pub home: RecoveredCopy,
    /// Its next copy.
    pub next: RecoveredCopy,
}

/// What a node finds of one copy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveredCopy {
    /// The newest view that was stored.
    pub view: Option<View>,
    /// The first entry that the log still has; [`Seq::ZERO`] where it has none.
    pub log_from: Seq,
    /// The last entry.
    pub last: Option<Entry>,
    /// The applied ids: those that a snapshot brought, and those of the log from the last entry's `oldest_applied` on that the
    /// last entry has not settled.
    pub applied: Vec<AppliedId>,
    /// How far a snapshot has come that is not complete.
    pub installing: Option<Cursor>,
    /// What is wrong, where a row was found that is not what was written, now or before.
    pub damage: Option<Damage>,
    /// The last salvage, if there was one.
    pub salvage: Option<SalvageRow>,
    /// The entries of the log, with the bytes that each takes.
    pub log_sizes: Vec<(Seq, usize)>,
}

impl RecoveredCopy {
    /// The position of the last entry.
    pub fn written(&self) -> Position {
        self.last.as_ref().map(|last| last.position).unwrap_or_default()
    }

    /// What the copy is worth.
    pub fn condition(&self) -> Condition {
        match (&self.installing, &self.damage) {
            (_, Some(Damage::Unreadable(_))) => Condition::Unreadable,
            (Some(_), _) => Condition::Partial,
            (None, Some(Damage::Known)) => Condition::Damaged,
            (None, None) => Condition::Whole,
        }
    }
}

/// What is known of a copy's damage when its node starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// A row was found before that is not what was written; what the copy needs to go on is sound.
    Known,
    /// What says how far the copy is cannot be read: this. Nothing else of it is to be used.
    Unreadable(String),
}
