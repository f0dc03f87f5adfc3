//! The reads of a copy that are under way, and what each is for.
//!
//! They return in any order. Whoever asked for one may not need it any more when it returns: then
//! it is not used.

use std::collections::BTreeMap;

use protocol::id::{Position, RequestId, Seq};
use protocol::message::Cursor;
use protocol::user::UserId;
use protocol::view::Member;

use super::context::Context;
use super::replica::log::{EntryLog, READ};
use super::tail::Pin;
use crate::store::{Budget, ReadError, ReadId, ReadRows, ReadWhat};

/// What a read is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests wait for the record of this user.
    Record(UserId),
    /// Requests that concern this user wait, the first one for the answer that it got when it was
    /// applied.
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
    /// The copy looks for what it cannot read. The pin keeps the entries that were not committed
    /// when the read began.
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
#[derive(Debug)]
pub(crate) struct Reads {
    /// The copy.
    member: Member,
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
    /// The reads of a copy; none yet.
    pub(super) fn of(member: Member) -> Self {
        Self { member, under_way: BTreeMap::new(), looked_up: None }
    }

    /// Forgets all reads under way.
    pub(super) fn forget(&mut self) {
        *self = Self::of(self.member);
    }

    /// Begins a read. Its rows come with an event of this number.
    pub(crate) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        what: ReadWhat,
        purpose: Purpose,
    ) -> ReadId {
        let read = cx.read(self.member, what);
        self.under_way.insert(read, purpose);
        read
    }

    /// A read has returned: what it was for; none where nobody needs it any more.
    pub(crate) fn end(&mut self, read: ReadId) -> Option<Purpose> {
        self.under_way.remove(&read)
    }

    /// Reads one message's worth of the log, from `from` to `to` at most, if that is not under way.
    pub(crate) fn read_log(&mut self, cx: &mut Context<'_>, from: Seq, to: Seq) {
        let purpose = Purpose::Log { from };
        if !self.under_way.values().any(|known| *known == purpose) {
            self.begin(cx, ReadWhat::Entries { from, to, budget: READ }, purpose);
        }
    }

    /// The position of an entry; it is read where memory does not tell.
    pub(crate) fn look_up(&mut self, cx: &mut Context<'_>, log: &EntryLog, seq: Seq) -> Lookup {
        if let Some(position) = log.position_at_hand(seq) {
            return Lookup::Is(position);
        }
        if let Some(lookup) = self.looked_up(seq) {
            return lookup.clone();
        }
        let what = ReadWhat::Entries { from: seq, to: seq, budget: Budget::ONE };
        self.begin(cx, what, Purpose::Position(seq));
        self.looked_up = Some((seq, Lookup::UnderWay));
        Lookup::UnderWay
    }

    /// What the log says of the position of an entry, if that was looked up last.
    fn looked_up(&self, seq: Seq) -> Option<&Lookup> {
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
