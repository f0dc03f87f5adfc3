//! The copy that sends: the primary to its replica, and a donor to its joiner, whichever of the two copies it is.
//!
//! ```text
//!   source                                   receiver
//!     | <------------------------- greeting --- |   how far it is; begins a session
//!     | --- append, append, ... --------------> |   what is durable here and was not sent (rule 4, *prefix*)
//!     | <-------------------------- durable --- |   commits what both have
//! ```
//!
//! [`start`] says where a [`session`] begins, [`send`] what goes in which order. Where the log no longer reaches back to where
//! the receiver is, a [`snapshot`] goes first. [`joining`] has how a receiver that is out of sync comes into the view, [`pace`]
//! how fast it makes entries durable, [`scrub`] how a member's rows are compared with those here.

mod joining;
mod pace;
mod scrub;
mod send;
mod session;
mod snapshot;
mod start;

use protocol::id::{Epoch, Seq};
use protocol::message::{Condition, FromNode};
use protocol::view::{Member, View};

use self::joining::Join;
use self::scrub::Scrub;
use self::session::Session;
use super::PartitionCopy;
use super::context::{Context, Fault};
use crate::link::LinkId;
use crate::time::{Time, earliest};

/// For a receiver that is connected and not in sync, the log is kept beyond its bounds by so many entries: what a window may
/// hold of small ones.
const RECEIVER_LAG_ENTRIES_MAX: u64 = 65_536;

/// What a copy has where it sends.
#[derive(Debug)]
pub(super) struct Source {
    session: Option<Session>,
    join: Join,
    scrub: Scrub,
    /// Without a session since then.
    down_since: Time,
    /// The gateway was told that next cannot be reached; under the view of this epoch.
    reported: Option<Epoch>,
}

impl Source {
    pub(super) fn new(now: Time) -> Self {
        Self {
            session: None,
            join: Join::default(),
            scrub: Scrub::default(),
            down_since: now,
            reported: None,
        }
    }

    /// The link is gone, or has to begin anew; the receiver was well until `down_since`.
    pub(super) fn close(&mut self, down_since: Time) {
        if self.session.take().is_some() {
            self.down_since = down_since;
        }
    }

    /// Next's node is dialled from now on: it has its time to be reached.
    pub(super) fn dialled(&mut self, now: Time) {
        if self.session.is_none() {
            self.down_since = now;
        }
    }

    /// The gateway has a new link: what was reported on the one before is over.
    pub(super) fn forget_reports(&mut self) {
        self.reported = None;
    }

    /// The controller's word on the view has come, by its welcome or because the copy acts on a newer one: it answers
    /// whatever was asked before.
    pub(super) fn view_told(&mut self) {
        self.join.end();
    }
}

impl PartitionCopy {
    /// The source, as far as it can go now: begins a session, sends, asks, reports, trims.
    pub(super) fn proceed(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let went = self.go(cx);
        self.bear_damage(cx, went)
    }

    fn go(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        self.pursue_salvage(cx);
        if self.is_source() {
            self.open_session(cx)?;
        } else {
            self.source.close(cx.now);
        }
        // Memory has the entries until they are committed, which is at once where this copy is alone in sync.
        let sent = self.send(cx);
        self.commit(cx);
        self.pursue_joining(cx);
        // Joining may have ended in giving up, which lets the copy commit alone again.
        self.commit(cx);
        self.report_next(cx);
        let keep_from = self.keep_log_from();
        self.replica.trim_log(cx, keep_from);
        sent
    }

    /// The last entry that may be committed. A receiver was sent only what is durable at the source, so what is durable at
    /// the receiver is committed.
    pub(super) fn committable(&self) -> Seq {
        let (member, me) = (self.replica.member(), Some(self.replica.me()));
        if !self.is_source() {
            self.replica.durable()
        } else if self.views().any(|view| view.in_sync.incarnation(member) != me) {
            Seq::ZERO
        } else {
            self.durable_everywhere()
        }
    }

    /// The last entry that is durable here, on the members that are behind this copy, and on the joiner that may be one. What
    /// comes after it is kept in the log, and it itself, to see that the other copy holds the same.
    fn durable_everywhere(&self) -> Seq {
        self.durable_on_members().min(self.durable_on_joiner())
    }

    /// The last entry that is durable here and on the members that are sent entries by this copy. A joiner is left out: where
    /// the log is damaged that it would need, it gets a snapshot.
    fn durable_on_members(&self) -> Seq {
        let other = self.replica.member().other();
        let members = self.views().filter(|view| view.in_sync.source() != other);
        let members = members.filter_map(|view| view.in_sync.incarnation(other));
        members.map(|member| self.peer.durable_at(member)).fold(self.replica.durable(), Seq::min)
    }

    /// The first entry that the copy cannot do without: a member that is behind is to be sent it, or its request may be sent
    /// again.
    pub(super) fn needs_log_from(&self) -> Seq {
        let members = self.durable_on_members();
        self.replica.oldest_applied().map_or(members, |oldest| members.min(oldest))
    }

    /// The view that the copy acts on, and the one that is being stored.
    fn views(&self) -> impl Iterator<Item = &View> {
        [self.replica.view(), self.replica.storing()].into_iter().flatten()
    }

    /// The receiver has made data durable.
    pub(super) fn made_durable(
        &mut self,
        cx: &mut Context<'_>,
        (link, number): (LinkId, u64),
        (seq, data, written): (Seq, u64, Seq),
    ) -> Result<(), Fault> {
        let Some(session) = self.source.session.as_mut().filter(|known| known.number == number)
        else {
            return Ok(());
        };
        // What was sent in a session before may still be made durable, so the bound is what is durable here.
        let is_plain = session.snapshot.is_none();
        if !session.may_ack(data)
            || seq > self.replica.durable()
            || (is_plain && seq < session.acked)
        {
            let (acked, sent) = (session.acked, session.sent);
            let detail = format!(
                "entry {seq} and {data} data acknowledged; {acked} was acknowledged, {sent} was sent"
            );
            return Err(Fault::protocol_error(link, detail));
        }
        session.acked(data, cx.now);
        session.pace.acked(cx.now, seq, written);
        session.acked = session.acked.max(seq);
        let (is_whole, is_ahead) = (session.snapshot.is_none(), seq > session.sent.seq);
        if let Some(incarnation) =
            self.peer.linked().map(|linked| linked.incarnation).filter(|_| is_whole)
        {
            self.peer.set_durable(incarnation, seq);
        }
        if is_plain
            && is_ahead
            && let Some(position) = self.replica.position_at_hand(seq)
        {
            // It is not sent again. Where memory does not tell its position, it is: the receiver has it, and goes on behind it.
            let missing = || {
                let detail = format!("entry {seq} was acknowledged and is not there");
                Fault::protocol_error(link, detail)
            };
            let position = position.ok_or_else(missing)?;
            if let Some(session) = &mut self.source.session {
                session.sent = position;
            }
        }
        Ok(())
    }

    /// The first entry that must be kept: the last one that is durable everywhere, a stretch behind it, and what a receiver
    /// that is connected is still to be sent, if it is not too far behind.
    fn keep_log_from(&self) -> Seq {
        let from = self.replica.retained_from().min(self.durable_everywhere());
        let lag = |seq: Seq| from.0.saturating_sub(seq.0);
        match &self.source.session {
            // It is sent again what it has made durable already.
            Some(session) if session.sent.seq < session.acked => from.min(session.sent.seq),
            Some(session) if lag(session.acked) <= RECEIVER_LAG_ENTRIES_MAX => {
                from.min(session.acked)
            }
            Some(_) | None => from,
        }
    }

    /// Tells the gateway whether next can be reached, where the view needs it to be (it shrinks on that).
    fn report_next(&mut self, cx: &mut Context<'_>) {
        let partition = self.partition();
        let Some(View { epoch, .. }) = self.view().copied() else { return };
        if cx.gateway.is_none() || self.replica.member() != Member::Home {
            return;
        }
        let is_due = self.report_deadline().is_some_and(|deadline| deadline <= cx.now);
        let source = &mut self.source;
        if source.session.is_some() {
            if source.reported.take().is_some() {
                cx.tell_gateway(FromNode::NextReachable { partition });
            }
        } else if is_due {
            source.reported = Some(epoch);
            cx.tell_gateway(FromNode::NextUnreachable { partition, epoch });
        }
    }

    /// When to tell the gateway that next cannot be reached: where nothing commits without it. A copy that is damaged does not
    /// ask to go on alone.
    fn report_deadline(&self) -> Option<Time> {
        let is_fit = self.is_source() && self.replica.condition() == Condition::Whole;
        let view = self.view().filter(|_| is_fit)?;
        let is_needed = self.replica.member() == Member::Home
            && view.in_sync.incarnation(Member::Next).is_some();
        let is_missing = self.source.session.is_none() && self.source.reported != Some(view.epoch);
        // Next has greeted and waits while the log here is read for the start of the session. Only
        // a disk that hangs makes it unreachable.
        let patience = if self.peer.linked().is_some() && self.replica.reads.is_looking_up() {
            self.settings.append_deadline
        } else {
            self.settings.patience
        };
        (is_needed && is_missing).then(|| self.source.down_since + patience)
    }

    /// Closes the link if its receiver has not made data durable in time.
    pub(super) fn drop_stalled(&mut self, now: Time) -> Result<(), Fault> {
        let waited = self.settings.append_deadline;
        let session = self.source.session.as_ref();
        let deadline = session.and_then(|session| session.stall_deadline(waited));
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return Ok(()) };
        if deadline.is_none_or(|deadline| deadline > now) {
            return Ok(());
        }
        // The receiver had its time: the gateway is told at once.
        self.peer.unlink();
        self.source.close(Time::ZERO);
        Err(Fault::protocol_error(link, format!("nothing was made durable for {waited:?}")))
    }

    /// When to tick at the latest.
    pub(super) fn source_deadline(&self, has_gateway: bool) -> Option<Time> {
        let session = self.source.session.as_ref();
        earliest([
            self.report_deadline().filter(|_| has_gateway),
            session.and_then(|session| session.stall_deadline(self.settings.append_deadline)),
            session.and_then(Session::rest_deadline),
            self.scrub_deadline(),
            self.joining_deadline(has_gateway),
        ])
    }
}
