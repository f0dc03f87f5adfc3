//! What the data of a copy is worth: whether it is what was written, and all of it.
//!
//! ```text
//!             a row is not what was written             a snapshot begins              all is written           and durable
//!   Whole --------------------------------> Damaged -------------------> Installing --------------> Installed -----------> Whole
//!                                                                            ^
//!   found so at the start:  Damaged, Installing, Unreadable -----------------+
//!
//!                          an operator accepts what is lost, and the copy is alone          and durable
//!   Damaged, Unreadable ----------------------------------------------------> Salvaged -----------> Whole
//! ```
//!
//! A snapshot may begin at any other time too, if no view counts on the copy: the log was not kept for it.
//!
//! A damaged copy stays a member until the controller has dropped it: what it can read is right, and what it cannot read
//! it does not answer. An unreadable one does not even know how far it is, so it does nothing.

use protocol::id::Position;
use protocol::message::{Condition, Cursor, Holds};

use super::Replica;
use crate::node::copy::context::Context;
use crate::store::{Damage, Mark, Mutation, RecoveredCopy};

/// What the data of a copy is worth.
#[derive(Debug)]
pub(super) enum Integrity {
    /// It is what was written, as far as anyone looked.
    Whole,
    /// A row is not what was written.
    Damaged,
    /// A snapshot has come this far. Until it is complete the copy counts for nothing.
    Installing(Cursor),
    /// All of a snapshot is written. Until that write is durable a loss of power makes a part of it again.
    Installed(Mark),
    /// The end of the log or the table of applied ids is not what was written.
    Unreadable,
    /// What cannot be read was dropped. Until that write is durable a loss of power brings the damage back.
    Salvaged(Mark),
}

impl Integrity {
    pub(super) fn recovered(recovered: &RecoveredCopy) -> Self {
        match (&recovered.installing, &recovered.damage) {
            (_, Some(Damage::Unreadable(_))) => Self::Unreadable,
            (Some(cursor), _) => Self::Installing(cursor.clone()),
            (None, Some(Damage::Known)) => Self::Damaged,
            (None, None) => Self::Whole,
        }
    }
}

impl Replica {
    /// What the copy is worth, for others.
    pub(crate) fn condition(&self) -> Condition {
        match self.integrity {
            Integrity::Whole => Condition::Whole,
            Integrity::Damaged | Integrity::Salvaged(_) => Condition::Damaged,
            Integrity::Installing(_) | Integrity::Installed(_) => Condition::Partial,
            Integrity::Unreadable => Condition::Unreadable,
        }
    }

    /// The writes up to `mark` are durable. Returns whether the copy is whole with that because it was salvaged.
    pub(super) fn integrity_synced(&mut self, mark: Mark) -> bool {
        match self.integrity {
            Integrity::Installed(written) if written <= mark => {
                self.integrity = Integrity::Whole;
                false
            }
            Integrity::Salvaged(written) if written <= mark => {
                self.integrity = Integrity::Whole;
                true
            }
            _ => false,
        }
    }

    /// How far a snapshot has come that is not complete.
    pub(crate) fn installing(&self) -> Option<&Cursor> {
        match &self.integrity {
            Integrity::Installing(cursor) => Some(cursor),
            Integrity::Whole
            | Integrity::Damaged
            | Integrity::Installed(_)
            | Integrity::Unreadable
            | Integrity::Salvaged(_) => None,
        }
    }

    /// What of it the other copy can rely on; none while that is about to change. A member keeps its log, damaged or not: only
    /// what nobody counts on is to be replaced.
    pub(crate) fn holds(&self) -> Option<Holds> {
        let position = self.durable_position();
        match &self.integrity {
            // The snapshot's first entry is not durable: a loss of power would bring back what was there before.
            Integrity::Installing(_)
                if position == Position::ZERO && self.written != Position::ZERO =>
            {
                None
            }
            Integrity::Installing(cursor) => Some(Holds::Part(position, cursor.clone())),
            Integrity::Installed(_) => None,
            Integrity::Damaged | Integrity::Salvaged(_) if self.is_counted_on() => {
                Some(Holds::Whole(position))
            }
            Integrity::Damaged | Integrity::Unreadable | Integrity::Salvaged(_) => {
                Some(Holds::Nothing)
            }
            Integrity::Whole => Some(Holds::Whole(position)),
        }
    }

    /// A row is not what was written. Returns whether that is news.
    pub(crate) fn mark_damaged(&mut self, cx: &mut Context<'_>) -> bool {
        let is_news = matches!(self.integrity, Integrity::Whole | Integrity::Salvaged(_));
        if is_news {
            self.integrity = Integrity::Damaged;
            cx.write(Mutation::MarkDamaged { member: self.member });
        }
        is_news
    }
}
