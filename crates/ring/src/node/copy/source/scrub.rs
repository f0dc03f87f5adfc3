//! The background comparison of both copies, as the source drives it: how far it is, and when it goes on.
//!
//! It takes the rows stretch by stretch, and begins again at the end. A stretch has the rows as they are when an entry was
//! the last, and its digest is sent right after that entry: so the receiver compares the state of the same moment. The next
//! stretch waits until it has, so a receiver with a slow disk compares as fast as it can. Nothing else waits for that, and no
//! snapshot of the storage is held open.

use protocol::message::{Condition, Cursor};
use protocol::view::View;

use super::session::Session;
use crate::link::LinkId;
use crate::node::copy::PartitionCopy;
use crate::node::copy::context::Fault;
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

    /// What was compared last.
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

impl PartitionCopy {
    /// Whether there is a member to compare with, and something here to compare.
    pub(super) fn may_scrub(&self, view: &View) -> bool {
        let other = self.replica.member().other();
        view.in_sync.incarnation(other).is_some() && self.replica.condition() == Condition::Whole
    }

    /// The receiver has compared the stretch that was sent last.
    pub(in crate::node::copy) fn has_compared(
        &mut self,
        link: LinkId,
        number: u64,
    ) -> Result<(), Fault> {
        let is_of = |session: &&mut Session| session.number == number;
        let Some(session) = self.source.session.as_mut().filter(is_of) else { return Ok(()) };
        if !std::mem::take(&mut session.is_comparing) {
            let detail = "a stretch was compared that was not sent".to_owned();
            return Err(Fault::protocol_error(link, detail));
        }
        Ok(())
    }

    /// When there is something to compare.
    pub(super) fn scrub_deadline(&self) -> Option<Time> {
        let (session, view) = (self.source.session.as_ref()?, self.view()?);
        let is_free = session.snapshot.is_none()
            && session.next.is_none()
            && session.reading.is_none()
            && !session.is_comparing
            && session.takes(view, self.settings.window_bytes);
        let is_possible = is_free && self.may_scrub(view);
        is_possible.then_some(self.source.scrub.not_before().max(session.rests_until))
    }
}
