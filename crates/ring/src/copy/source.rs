//! The copy that sends: the primary to its replica, and a donor to its joiner, whichever of the two copies it is.
//!
//! ```text
//!   source                                   receiver
//!     | <------------------------- greeting --- |   how far it is; begins a session
//!     | --- append, append, ... --------------> |   what is durable here and was not sent (rule 4, *prefix*)
//!     | <-------------------------- durable --- |   commits what both have
//! ```
//!
//! Where the log no longer reaches back to where the receiver is, a [`snapshot`] goes first. [`joining`] has how a receiver
//! that is out of sync comes into the view, [`scrub`] how a member's rows are compared with those here.

mod joining;
mod scrub;
mod session;
mod snapshot;

use protocol::id::{Epoch, Incarnation, Position, Seq};
use protocol::message::{Condition, CopyMessage, Cursor, Data, FromNode, Greeting, Holds};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use self::joining::Join;
use self::scrub::Scrub;
use self::session::Session;
use self::snapshot::{Snapshot, size_bytes};
use super::PartitionCopy;
use super::context::{Context, Fault};
use crate::link::LinkId;
use crate::node::StopReason;
use crate::time::{Time, earliest};

/// For a receiver that is connected and not in sync, the log is kept beyond its bounds by so many entries.
const RECEIVER_LAG_ENTRIES_MAX: u64 = 4_096;

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

/// Where a session begins.
enum Start {
    /// Not before the controller has dropped the receiver, which has nothing to go on from.
    Later,
    /// Entries follow what the receiver has.
    After(Position),
    /// A snapshot goes on from where it was interrupted.
    Resume(Position, Cursor),
    /// A snapshot takes the place of what the receiver has.
    Snapshot,
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

    /// The gateway's welcome on a new link: asks and reports on the one before are over.
    pub(super) fn welcomed(&mut self) {
        self.join.end();
        self.reported = None;
    }

    /// The copy acts on another view.
    pub(super) fn view_changed(&mut self) {
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
        if self.is_source() {
            self.open_session(cx)?;
        } else {
            self.source.close(cx.now);
        }
        self.commit(cx);
        let sent = self.send(cx);
        self.pursue_joining(cx);
        // Joining may have ended in giving up, which lets the copy commit alone again.
        self.commit(cx);
        self.report_next(cx);
        let keep_from = self.keep_log_from();
        self.replica.trim_log(cx, keep_from);
        sent
    }

    /// The last entry that may be committed: durable on every member of the view, on those of the view that is being
    /// stored, and on the joiner while an ask is open or about to be (rule 6).
    ///
    /// A receiver was sent only what is durable at the source, so what is durable at the receiver is committed.
    pub(super) fn committable(&self) -> Seq {
        let mut committable = self.replica.durable();
        if !self.is_source() {
            return committable;
        }
        let views = [self.replica.view(), self.replica.storing()];
        for in_sync in views.into_iter().flatten().map(|view| view.in_sync) {
            if in_sync.incarnation(self.replica.member()) != Some(self.replica.me()) {
                return Seq::ZERO;
            }
            if let Some(other) = in_sync.incarnation(self.replica.member().other()) {
                committable = committable.min(self.peer.durable_at(other));
            }
        }
        match self.source.join.holds_for() {
            Some(joiner) => committable.min(self.peer.durable_at(joiner)),
            None => committable,
        }
    }

    /// Begins a session with a receiver that has greeted.
    fn open_session(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(linked) = self.peer.linked().filter(|_| self.source.session.is_none()) else {
            return Ok(());
        };
        let Some(greeting) = linked.greeting.clone() else { return Ok(()) };
        let (link, incarnation) = (linked.link, linked.incarnation);
        let needs = greeting.view.map_or(Epoch::default(), |view| view.epoch);
        let session = |position| Session::after(greeting.session, needs, position, cx.now);
        let session = match self.start(cx, link, &greeting)? {
            Start::Later => return Ok(()),
            Start::After(position) => session(position),
            Start::Resume(position, cursor) => session(position).with(Snapshot::resume(cursor)),
            Start::Snapshot => {
                session(Position::ZERO).with(Snapshot::begin(self.replica.last_entry()))
            }
        };
        let durable = if session.snapshot.is_none() { session.acked } else { Seq::ZERO };
        self.peer.set_durable(incarnation, durable);
        self.source.scrub.begin(cx.now + self.settings.scrub_pause);
        self.peer.greeting_is_used();
        self.source.session = Some(session);
        Ok(())
    }

    /// Rule 4, *prefix*: what a member has is a beginning of the durable log here, and not less than it once was. What a
    /// joiner has counts for nothing: if it does not fit it is replaced.
    fn start(&self, cx: &Context<'_>, link: LinkId, greeting: &Greeting) -> Result<Start, Fault> {
        let Some(view) = self.view().copied() else { return Ok(Start::Snapshot) };
        let other = self.replica.member().other();
        match (view.in_sync.incarnation(other), &greeting.holds) {
            (Some(member), Holds::Whole(theirs)) => self.start_member(cx, link, (member, *theirs)),
            // The controller hears of it too, and drops it.
            (Some(_), Holds::Nothing | Holds::Part(..)) => Ok(Start::Later),
            (None, Holds::Whole(theirs)) => {
                self.check_not_ahead(&view, *theirs)?;
                let fits = self.fits(cx, *theirs)?;
                Ok(if fits { Start::After(*theirs) } else { Start::Snapshot })
            }
            (None, Holds::Part(theirs, cursor)) if self.fits(cx, *theirs)? => {
                Ok(Start::Resume(*theirs, cursor.clone()))
            }
            (None, Holds::Part(..) | Holds::Nothing) => Ok(Start::Snapshot),
        }
    }

    /// Whether a joiner's last entry is in the log here. A log that is damaged there does not say: then it is not.
    fn fits(&self, cx: &Context<'_>, theirs: Position) -> Result<bool, Fault> {
        if theirs.seq > self.replica.durable() {
            return Ok(false);
        }
        match self.replica.position_of(cx, theirs.seq) {
            Ok(ours) => Ok(ours == Some(theirs)),
            Err(Fault::Damaged(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Home makes the entries, so it is never behind; but what a home had that lost its data may be ahead of next.
    fn check_not_ahead(&self, view: &View, theirs: Position) -> Result<(), Fault> {
        let durable = self.replica.durable();
        let is_home = self.replica.member() == Member::Home;
        if is_home && theirs.seq > durable && !is_disowned(view, theirs) {
            let partition = self.partition();
            let detail = format!(
                "{partition}: next holds entry {theirs}, home ends at {durable}: home has lost data"
            );
            return Err(Fault::Stop(StopReason::LostData(detail)));
        }
        Ok(())
    }

    fn start_member(
        &self,
        cx: &Context<'_>,
        link: LinkId,
        (member, theirs): (Incarnation, Position),
    ) -> Result<Start, Fault> {
        if let Some(view) = self.view() {
            self.check_not_ahead(view, theirs)?;
        }
        let ours = match theirs.seq {
            seq if seq > self.replica.durable() => None,
            seq => self.replica.position_of(cx, seq)?,
        };
        let known = self.peer.durable_at(member);
        if ours == Some(theirs) && theirs.seq >= known {
            return Ok(Start::After(theirs));
        }
        let (partition, here) = (self.partition(), self.replica.member());
        let other = here.other();
        let detail = match ours {
            _ if theirs.seq < known => {
                format!("{partition}: {other} is at {theirs} and once was at {known}")
            }
            Some(ours) => format!("{partition}: {other} holds {theirs}, {here} {ours}"),
            None => format!(
                "{partition}: {other} is at {theirs}, and the log here begins at {}",
                self.replica.log_from(),
            ),
        };
        Err(Fault::Drop(link, Refusal::new(RefusalCode::LostData, detail)))
    }

    /// The receiver has made data durable.
    pub(super) fn made_durable(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        (number, seq, data): (u64, Seq, u64),
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
        session.acked = session.acked.max(seq);
        let (is_whole, is_ahead) = (session.snapshot.is_none(), seq > session.sent.seq);
        if let Some(incarnation) =
            self.peer.linked().map(|linked| linked.incarnation).filter(|_| is_whole)
        {
            self.peer.set_durable(incarnation, seq);
        }
        if is_plain && is_ahead {
            // It is not sent again, and may be trimmed.
            let missing = || {
                Fault::protocol_error(
                    link,
                    format!("entry {seq} was acknowledged and is not there"),
                )
            };
            let position = self.replica.position_of(cx, seq)?.ok_or_else(missing)?;
            if let Some(session) = &mut self.source.session {
                session.sent = position;
            }
        }
        Ok(())
    }

    /// Sends what is durable here and was not sent, as far as the window goes, and rows in between.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(view) = self.view().copied() else { return Ok(()) };
        loop {
            let Some(session) = &self.source.session else { return Ok(()) };
            if !session.takes(&view, self.settings.window_bytes) {
                return Ok(());
            }
            self.read_rows(cx, &view)?;
            let Some(session) = &self.source.session else { return Ok(()) };
            let durable = self.replica.durable();
            let rows_at = session.next.as_ref().map(|(at, _)| *at);
            let begins = session.is_beginning();
            match rows_at {
                Some(at) if at <= durable && (begins || at <= session.sent.seq) => {
                    self.send_rows(cx, &view)
                }
                // Nothing goes before a snapshot that begins.
                Some(_) if begins => return Ok(()),
                rows_at => {
                    let to = rows_at.map_or(durable, |at| at.min(durable));
                    if session.sent.seq >= to {
                        return Ok(());
                    }
                    self.send_entries(cx, &view, to)?;
                }
            }
        }
    }

    /// Reads the rows that are to be sent next, if any are and none wait to be: they go right after the last entry written.
    fn read_rows(&mut self, cx: &mut Context<'_>, view: &View) -> Result<(), Fault> {
        let Some(session) = self.source.session.as_ref().filter(|session| session.next.is_none())
        else {
            return Ok(());
        };
        let data = match &session.snapshot {
            Some(snapshot) => {
                let Some(cursor) = snapshot.cursor.clone() else { return Ok(()) };
                let (rows, then) = self.replica.rows_after(cx, &cursor)?;
                Data::Chunk { rows, then }
            }
            None if self.may_scrub(view) && self.source.scrub.is_due(cx.now) => {
                self.verify_log(cx)?;
                let stretch = self.replica.stretch_after(cx, self.source.scrub.cursor())?;
                let pause = self.settings.scrub_pause;
                self.source.scrub.goes_on(stretch.to.clone(), cx.now + pause);
                Data::Compare(stretch)
            }
            None => return Ok(()),
        };
        if let Some(session) = &mut self.source.session {
            session.next = Some((self.replica.written().seq, data));
        }
        Ok(())
    }

    /// Whether there is a member to compare with, and something here to compare.
    fn may_scrub(&self, view: &View) -> bool {
        let other = self.replica.member().other();
        view.in_sync.incarnation(other).is_some() && self.replica.condition() == Condition::Whole
    }

    fn send_entries(&mut self, cx: &mut Context<'_>, view: &View, to: Seq) -> Result<(), Fault> {
        let Some(session) = &mut self.source.session else { return Ok(()) };
        let previous = session.sent;
        let from = previous.seq.next();
        if from < self.replica.log_from() {
            // The log was not kept for a receiver that is so far behind.
            session.replace(Snapshot::begin(self.replica.last_entry()));
            return Ok(());
        }
        let entries = match self.replica.log(cx, from, to) {
            Err(Fault::Damaged(what)) if from < self.members_need_from() => {
                let below = self.members_need_from();
                self.replica.drop_log(cx, below);
                self.tell_of_dropped_log(cx, &what);
                // The receiver is no member, or it would need no less: a snapshot takes the log's place.
                return Ok(());
            }
            entries => entries?,
        };
        let Some(session) = &mut self.source.session else { return Ok(()) };
        if let Some(last) = entries.last() {
            session.sent = last.position;
        }
        self.send_data(cx, view, Data::Append { previous, entries });
        Ok(())
    }

    fn send_rows(&mut self, cx: &mut Context<'_>, view: &View) {
        let Some((_, data)) = self.source.session.as_mut().and_then(|session| session.next.take())
        else {
            return;
        };
        if let (Data::Install { base }, Some(session)) = (&data, &mut self.source.session) {
            session.sent = base.as_ref().map_or(Position::ZERO, |base| base.position);
            session.acked = session.sent.seq;
            if let Some(linked) = self.peer.linked().map(|linked| linked.incarnation) {
                self.peer.set_durable(linked, Seq::ZERO);
            }
        }
        self.send_data(cx, view, data);
    }

    fn send_data(&mut self, cx: &mut Context<'_>, view: &View, data: Data) {
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return };
        let Some(session) = &mut self.source.session else { return };
        let number = session.sends(size_bytes(&data), cx.now);
        if let Some(snapshot) = &mut session.snapshot {
            snapshot.sent(&data, number);
        }
        let message = CopyMessage::Data { session: session.number, view: *view, data };
        cx.tell_copy(self.replica.member().other(), link, message);
    }

    /// The first entry that must be kept: the last one that a member of the view has too, a stretch behind it, and what a
    /// receiver that is connected is still to be sent, if it is not too far behind.
    fn keep_log_from(&self) -> Seq {
        let from = self.replica.retained_from().min(self.members_need_from());
        let lag = |seq: Seq| from.0.saturating_sub(seq.0);
        match &self.source.session {
            Some(session) if lag(session.acked) <= RECEIVER_LAG_ENTRIES_MAX => {
                from.min(session.acked)
            }
            Some(_) | None => from,
        }
    }

    /// The last entry that every other member of the view has too: what comes after it must be kept, and it itself, to see
    /// that they hold the same.
    pub(super) fn members_need_from(&self) -> Seq {
        let other = self.replica.member().other();
        let views = [self.replica.view(), self.replica.storing()];
        let members = views.into_iter().flatten().filter(|view| view.in_sync.source() != other);
        let members = members.filter_map(|view| view.in_sync.incarnation(other));
        members.map(|member| self.peer.durable_at(member)).fold(self.replica.durable(), Seq::min)
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

    /// When to tell the gateway that next cannot be reached: where nothing commits without it.
    fn report_deadline(&self) -> Option<Time> {
        let view = self.view().filter(|_| self.is_source())?;
        let is_needed = self.replica.member() == Member::Home
            && view.in_sync.incarnation(Member::Next).is_some();
        let is_missing = self.source.session.is_none() && self.source.reported != Some(view.epoch);
        (is_needed && is_missing).then(|| self.source.down_since + self.settings.patience)
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

    /// When there is something to compare.
    fn scrub_deadline(&self) -> Option<Time> {
        let (session, view) = (self.source.session.as_ref()?, self.view()?);
        let is_free = session.snapshot.is_none()
            && session.next.is_none()
            && session.takes(view, self.settings.window_bytes);
        let is_possible = is_free && self.may_scrub(view);
        is_possible.then_some(self.source.scrub.not_before())
    }

    /// When to tick at the latest.
    pub(super) fn source_deadline(&self, has_gateway: bool) -> Option<Time> {
        let session = self.source.session.as_ref();
        earliest([
            self.report_deadline().filter(|_| has_gateway),
            session.and_then(|session| session.stall_deadline(self.settings.append_deadline)),
            self.scrub_deadline(),
            self.source.join.deadline(self.settings.hold_max),
        ])
    }
}

/// Whether an operator has accepted the loss of what a copy out of sync holds beyond the copy in sync.
fn is_disowned(view: &View, theirs: Position) -> bool {
    view.accepted_loss.is_some_and(|epoch| theirs.epoch < epoch)
}
