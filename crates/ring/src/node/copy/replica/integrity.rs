//! What the data of a copy is worth: whether it is what was written, and all of it.
//!
//! ```text
//!         a row is damaged        a snapshot begins          all is written         durable
//!   Whole ---------------> Damaged ---------------> Installing ------------> Installed ----> Whole
//!                                                       ^
//!   found at the start: Damaged, Installing, Unreadable --+
//!
//!                        the loss is accepted, and what is lost is dropped        durable
//!   Damaged, Unreadable ---------------------------------------------> Salvaged --------> Whole
//! ```
//!
//! A snapshot may begin at any other time too, if no view counts on the copy: the log was not kept
//! for it.
//!
//! A damaged copy stays a member until the controller has dropped it: what it can read is right,
//! and what it cannot read it does not answer. An unreadable one does not even know how far it is,
//! so it does nothing.

use protocol::message::{Condition, Cursor};

use crate::store::{Damage, Mark, RecoveredCopy};

/// What the data of a copy is worth.
#[derive(Debug)]
pub(crate) enum Integrity {
    /// It is what was written, as far as anyone looked.
    Whole,
    /// A row is not what was written.
    Damaged,
    /// A snapshot has come this far. Until it is complete the copy counts for nothing.
    Installing(Cursor),
    /// All of a snapshot is written. Until that write is durable a loss of power makes a part of it
    /// again.
    Installed(Mark),
    /// The end of the log or the table of applied ids is not what was written.
    Unreadable,
    /// What cannot be read was dropped. Until that write is durable a loss of power brings the
    /// damage back.
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

    /// What the copy is worth, for others.
    pub(crate) fn condition(&self) -> Condition {
        match self {
            Self::Whole => Condition::Whole,
            Self::Damaged | Self::Salvaged(_) => Condition::Damaged,
            Self::Installing(_) | Self::Installed(_) => Condition::Partial,
            Self::Unreadable => Condition::Unreadable,
        }
    }

    /// Whether the copy does not know how far it is.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable)
    }

    /// Whether rows of the copy are known to be unreadable.
    pub(super) fn has_damage(&self) -> bool {
        matches!(self, Self::Damaged | Self::Unreadable)
    }

    /// How far a snapshot has come that is not complete.
    pub(crate) fn installing(&self) -> Option<&Cursor> {
        match self {
            Self::Installing(cursor) => Some(cursor),
            Self::Whole
            | Self::Damaged
            | Self::Installed(_)
            | Self::Unreadable
            | Self::Salvaged(_) => None,
        }
    }

    /// The writes up to `mark` are durable. Returns whether the copy is whole with that because it
    /// was salvaged.
    pub(super) fn synced(&mut self, mark: Mark) -> bool {
        match *self {
            Self::Installed(written) if written <= mark => {
                *self = Self::Whole;
                false
            }
            Self::Salvaged(written) if written <= mark => {
                *self = Self::Whole;
                true
            }
            _ => false,
        }
    }

    /// A row is not what was written. Returns whether that is news.
    pub(super) fn damage(&mut self) -> bool {
        let is_news = matches!(self, Self::Whole | Self::Salvaged(_));
        if is_news {
            *self = Self::Damaged;
        }
        is_news
    }
}
