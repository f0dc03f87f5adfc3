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
//! that is out of sync comes into the view.

mod joining;
mod session;
mod snapshot;

use protocol::id::{Epoch, Position, Seq};
use protocol::message::{CopyMessage, Cursor, Data, FromNode, Greeting};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use self::joining::Join;
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
    /// Without a session since then.
    down_since: Time,
    /// The gateway was told that next cannot be reached; under the view of this epoch.
    reported: Option<Epoch>,
}

/// Where a session begins.
enum Start {
    /// Entries follow what the receiver has.
    After(Position),
    /// A snapshot goes on from where it was interrupted.
    Resume(Position, Cursor),
    /// A snapshot takes the place of what the receiver has.
    Snapshot,
}

impl Source {
    pub(super) fn new(now: Time) -> Self {
        Self { session: None, join: Join::default(), down_since: now, reported: None }
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
        if self.is_source() {
            self.open_session(cx)?;
        } else {
            self.source.close(cx.now);
        }
        self.commit(cx);
        self.send(cx)?;
        self.pursue_joining(cx);
        // Joining may have ended in giving up, which lets the copy commit alone again.
        self.commit(cx);
        self.report_next(cx);
        let keep_from = self.keep_log_from();
        self.replica.trim_log(cx, keep_from);
        Ok(())
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
        let start = self.start(cx, link, &greeting)?;
        let needs = greeting.view.map_or(Epoch::default(), |view| view.epoch);
        let position = match &start {
            Start::After(position) | Start::Resume(position, _) => *position,
            Start::Snapshot => Position::ZERO,
        };
        let mut session = Session::after(greeting.session, needs, position, cx.now);
        session.snapshot = match start {
            Start::After(_) => None,
            Start::Resume(_, cursor) => Some(Snapshot::resume(cursor)),
            Start::Snapshot => Some(Snapshot::begin(self.replica.last_entry(cx)?)),
        };
        let durable = if session.snapshot.is_none() { position.seq } else { Seq::ZERO };
        self.peer.set_durable(incarnation, durable);
        self.source.session = Some(session);
        Ok(())
    }

    /// Rule 4, *prefix*: what a member has is a beginning of the durable log here, and not less than it once was. What a
    /// joiner has counts for nothing: if it does not fit it is replaced.
    fn start(&self, cx: &Context<'_>, link: LinkId, greeting: &Greeting) -> Result<Start, Fault> {
        let (theirs, durable) = (greeting.position, self.replica.durable());
        let Some(view) = self.view().copied() else { return Ok(Start::Snapshot) };
        let other = self.replica.member().other();
        let partition = self.partition();
        // Home makes the entries, so it is never behind; and what a home had that lost its data may be ahead of next.
        let is_home = self.replica.member() == Member::Home;
        if is_home
            && theirs.seq > durable
            && !is_disowned(&view, theirs)
            && greeting.installing.is_none()
        {
            let detail = format!(
                "{partition}: next holds entry {theirs}, home ends at {durable}: home has lost data"
            );
            return Err(Fault::Stop(StopReason::LostData(detail)));
        }
        let ours =
            if theirs.seq > durable { None } else { self.replica.position_of(cx, theirs.seq)? };
        let fits = ours == Some(theirs);
        let Some(member) = view.in_sync.incarnation(other) else {
            return Ok(match &greeting.installing {
                None if fits => Start::After(theirs),
                Some(cursor) if fits => Start::Resume(theirs, cursor.clone()),
                None | Some(_) => Start::Snapshot,
            });
        };
        let known = self.peer.durable_at(member);
        if fits && theirs.seq >= known && greeting.installing.is_none() {
            return Ok(Start::After(theirs));
        }
        let detail = match ours {
            _ if greeting.installing.is_some() => {
                format!("{partition}: the {other} copy is in sync and not whole")
            }
            _ if theirs.seq < known => {
                format!("{partition}: {other} is at {theirs} and once was at {known}")
            }
            Some(ours) => {
                format!("{partition}: {other} holds {theirs}, {} {ours}", self.replica.member())
            }
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

    /// Sends what is durable here and was not sent, as far as the window goes, and a snapshot's rows in between.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(view) = self.view().copied() else { return Ok(()) };
        loop {
            let Some(session) = &mut self.source.session else { return Ok(()) };
            if !session.has_room() || view.epoch < session.needs {
                return Ok(());
            }
            let durable = self.replica.durable();
            if let Some(snapshot) = &mut session.snapshot
                && snapshot.next.is_none()
                && let Some(cursor) = snapshot.cursor.clone()
            {
                let (rows, then) = self.replica.rows_after(cx, &cursor)?;
                snapshot.read(self.replica.written().seq, rows, then);
            }
            let rows_at = session
                .snapshot
                .as_ref()
                .and_then(|snapshot| snapshot.next.as_ref())
                .map(|(at, _)| *at);
            let begins = session.snapshot.as_ref().is_some_and(Snapshot::is_beginning);
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

    fn send_entries(&mut self, cx: &mut Context<'_>, view: &View, to: Seq) -> Result<(), Fault> {
        let Some(session) = &mut self.source.session else { return Ok(()) };
        let previous = session.sent;
        let from = previous.seq.next();
        if from < self.replica.log_from() {
            // The log was not kept for a receiver that is so far behind.
            let base = self.replica.last_entry(cx)?;
            session.snapshot = Some(Snapshot::begin(base));
            return Ok(());
        }
        let entries = self.replica.log(cx, from, to)?;
        if let Some(last) = entries.last() {
            session.sent = last.position;
        }
        self.send_data(cx, view, Data::Append { previous, entries });
        Ok(())
    }

    fn send_rows(&mut self, cx: &mut Context<'_>, view: &View) {
        let next = self.source.session.as_mut().and_then(|session| session.snapshot.as_mut());
        let Some((_, data)) = next.and_then(|snapshot| snapshot.next.take()) else { return };
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
        let mut from = self.replica.retained_from();
        let other = self.replica.member().other();
        let views = [self.replica.view(), self.replica.storing()];
        for member in views.into_iter().flatten().filter_map(|view| view.in_sync.incarnation(other))
        {
            from = from.min(self.peer.durable_at(member));
        }
        let lag = |seq: Seq| from.0.saturating_sub(seq.0);
        match &self.source.session {
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

    /// When to tick at the latest.
    pub(super) fn source_deadline(&self, has_gateway: bool) -> Option<Time> {
        let session = self.source.session.as_ref();
        earliest([
            self.report_deadline().filter(|_| has_gateway),
            session.and_then(|session| session.stall_deadline(self.settings.append_deadline)),
            self.source.join.deadline(self.settings.hold_max),
        ])
    }
}

/// Whether an operator has accepted the loss of what a copy out of sync holds beyond the copy in sync.
fn is_disowned(view: &View, theirs: Position) -> bool {
    view.accepted_loss.is_some_and(|epoch| theirs.epoch < epoch)
}
