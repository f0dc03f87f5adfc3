//! The background comparison of both copies, as the source drives it: how far it is, and when it
//! goes on.
//!
//! It takes the rows stretch by stretch, and begins again at the end. A stretch shows its rows as
//! of one entry, and its digest is sent right after that entry. So the receiver compares the state
//! of the same moment. The next stretch waits until the receiver has compared this one. So a
//! receiver with a slow disk compares as fast as it can. Nothing else waits for a comparison, and
//! no snapshot of the storage is held open.

use protocol::message::{Condition, Cursor};
use protocol::view::View;

use crate::node::copy::replica::Replica;
use crate::time::Time;

/// How far the comparison is.
#[derive(Debug)]
pub(super) struct Scrub {
    cursor: Cursor,
    not_before: Time,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { cursor: Cursor::START, not_before: Time::ZERO }
    }
}

impl Scrub {
    /// With another receiver it begins anew.
    pub(super) fn begin(&mut self, not_before: Time) {
        *self = Self { cursor: Cursor::START, not_before };
    }

    /// The begin of the next stretch.
    pub(super) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// When the next stretch is due.
    pub(super) fn not_before(&self) -> Time {
        self.not_before
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.not_before <= now
    }

    /// A stretch was read up to `to`, or to the end.
    pub(super) fn goes_on(&mut self, to: Option<Cursor>, not_before: Time) {
        self.cursor = to.unwrap_or(Cursor::START);
        self.not_before = not_before;
    }
}

/// Whether there is a member to compare with, and something here to compare.
pub(super) fn may_scrub(replica: &Replica, view: &View) -> bool {
    let other = replica.id.member.other();
    view.in_sync.incarnation(other).is_some() && replica.integrity.condition() == Condition::Whole
}
