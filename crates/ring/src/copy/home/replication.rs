//! The session with next: what was sent, what next has made durable, and how to find out where to begin.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::entry::Entry;
use protocol::id::{Incarnation, Position, Seq};
use protocol::message::{FromNext, ToNext};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use super::HomeCopy;
use crate::copy::context::{Context, Fault};
use crate::link::LinkId;
use crate::node::StopReason;
use crate::store::{Budget, Mutation};
use crate::time::Time;

/// The most that one append message holds.
const APPEND: Budget = Budget { entries_max: 512, bytes_max: 256 << 10 };

/// The most that is sent and not made durable, in bytes: flow control, and a bound on what a slow next piles up.
const WINDOW_BYTES: usize = 2 << 20;

/// The log is trimmed in steps of this many entries.
const TRIM_STEP: u64 = 1024;

/// What home knows of next.
#[derive(Debug)]
pub(super) struct NextLink {
    state: State,
    /// The last entry that a next of this incarnation was heard to have made durable. It stays true without a link.
    durable: Option<(Incarnation, Seq)>,
    /// Without a session since then.
    down_since: Time,
    /// The gateway was told that next cannot be reached.
    reported: bool,
}

#[derive(Debug)]
enum State {
    Down,
    /// Linked; next has not said yet how far it is.
    Greeting {
        link: LinkId,
        incarnation: Incarnation,
    },
    Open(Session),
}

#[derive(Debug)]
struct Session {
    link: LinkId,
    incarnation: Incarnation,
    /// The last entry sent.
    sent: Position,
    /// The last entry that next has made durable.
    acked: Seq,
    /// Last entry and size of each append that is under way.
    under_way: VecDeque<(Seq, usize)>,
    under_way_bytes: usize,
    /// When the oldest append that is under way was sent, or next last answered.
    waiting_since: Time,
    /// Next acts on a newer view than home: it takes nothing until home has caught up with that.
    fenced: bool,
}

impl NextLink {
    pub(super) fn down(now: Time) -> Self {
        Self { state: State::Down, durable: None, down_since: now, reported: false }
    }

    /// The last entry that next is known to have made durable, if it is that incarnation.
    pub(super) fn durable_at(&self, incarnation: Incarnation) -> Seq {
        match self.durable {
            Some((known, seq)) if known == incarnation => seq,
            Some(_) | None => Seq::ZERO,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// The incarnation at the other end, where entries can be sent to it, and the last entry it has made durable.
    pub(super) fn receiving(&self) -> Option<(Incarnation, Seq)> {
        match &self.state {
            State::Open(session) if !session.fenced => Some((session.incarnation, session.acked)),
            State::Open(_) | State::Greeting { .. } | State::Down => None,
        }
    }

    /// Returns whether the gateway had been told that next cannot be reached; from now it has not.
    pub(super) fn forget_report(&mut self) -> bool {
        std::mem::take(&mut self.reported)
    }

    /// Home acts on another view: what next refused under the one before, it may take now.
    pub(super) fn view_changed(&mut self) {
        self.reported = false;
        if let State::Open(session) = &mut self.state {
            session.fenced = false;
        }
    }

    /// Whether to tell the gateway now that next cannot be reached. Says yes once.
    pub(super) fn report_is_due(&mut self, now: Time, patience: Duration) -> bool {
        let due = self.report_deadline(patience).is_some_and(|deadline| deadline <= now);
        self.reported |= due;
        due
    }

    pub(super) fn report_deadline(&self, patience: Duration) -> Option<Time> {
        (!self.is_open() && !self.reported).then(|| self.down_since + patience)
    }

    pub(super) fn stall_deadline(&self, append_deadline: Duration) -> Option<Time> {
        match &self.state {
            State::Open(session) if !session.under_way.is_empty() => {
                Some(session.waiting_since + append_deadline)
            }
            State::Open(_) | State::Greeting { .. } | State::Down => None,
        }
    }

    /// The link whose peer has not answered an append in time.
    pub(super) fn stalled(&self, now: Time, append_deadline: Duration) -> Option<LinkId> {
        let deadline = self.stall_deadline(append_deadline)?;
        self.link().filter(|_| deadline <= now)
    }

    /// The link is gone; next was well until `down_since`, or longer ago where there was no session.
    pub(super) fn close(&mut self, down_since: Time) {
        if self.is_open() {
            self.down_since = down_since;
        }
        self.state = State::Down;
    }

    fn link(&self) -> Option<LinkId> {
        match &self.state {
            State::Down => None,
            State::Greeting { link, .. } => Some(*link),
            State::Open(session) => Some(session.link),
        }
    }
}

impl Session {
    fn has_room(&self) -> bool {
        !self.fenced && self.under_way_bytes < WINDOW_BYTES
    }

    fn sent_append(&mut self, entries: &[Entry], now: Time) {
        let Some(last) = entries.last() else { return };
        if self.under_way.is_empty() {
            self.waiting_since = now;
        }
        let bytes = entries.iter().map(Entry::size_bytes).sum();
        self.sent = last.position;
        self.under_way.push_back((last.position.seq, bytes));
        self.under_way_bytes += bytes;
    }

    fn acked(&mut self, seq: Seq, now: Time) {
        self.acked = seq;
        self.waiting_since = now;
        while let Some((_, bytes)) = self.under_way.pop_front_if(|(last, _)| *last <= seq) {
            self.under_way_bytes -= bytes;
        }
    }

    /// What is under way will not be used.
    fn fence(&mut self, resume_at: Position) {
        self.fenced = true;
        self.sent = resume_at;
        self.under_way.clear();
        self.under_way_bytes = 0;
    }
}

impl HomeCopy {
    /// A new link to next is up.
    pub(crate) fn next_linked(&mut self, link: LinkId, incarnation: Incarnation) {
        self.next.state = State::Greeting { link, incarnation };
    }

    /// The link to next is gone.
    pub(crate) fn next_lost(&mut self, cx: &mut Context<'_>, link: LinkId) -> Result<(), Fault> {
        if self.next.link() == Some(link) {
            self.next.close(cx.now);
            self.proceed(cx)?;
        }
        Ok(())
    }

    /// A message from next.
    pub(crate) fn next_says(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        message: FromNext,
    ) -> Result<(), Fault> {
        if self.next.link() != Some(link) {
            return Ok(());
        }
        match message {
            FromNext::Greeting { view, position } => self.greeted(cx, link, view, position)?,
            FromNext::Durable { seq } => self.made_durable(cx, link, seq)?,
            FromNext::Fenced { view } => self.fenced_by_next(cx, link, view)?,
            FromNext::Goodbye(refusal) => return Err(Fault::Drop(link, refusal)),
        }
        self.proceed(cx)
    }

    fn greeted(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        view: Option<View>,
        position: Position,
    ) -> Result<(), Fault> {
        let State::Greeting { incarnation, .. } = self.next.state else {
            return Err(Fault::protocol_error(link, "a second greeting"));
        };
        self.check_prefix(cx, link, incarnation, position)?;
        if let Some(view) = view {
            self.offer(cx, view)?;
        }
        self.next.durable = Some((incarnation, position.seq));
        self.next.state = State::Open(Session {
            link,
            incarnation,
            sent: position,
            acked: position.seq,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            waiting_since: cx.now,
            fenced: false,
        });
        Ok(())
    }

    /// Rule 4, *prefix*: next's log must be one of home's own durable log, and not shorter than it once was.
    fn check_prefix(
        &self,
        cx: &Context<'_>,
        link: LinkId,
        incarnation: Incarnation,
        next: Position,
    ) -> Result<(), Fault> {
        let durable = self.durability.seq();
        if next.seq > durable {
            let partition = self.partition;
            let detail = format!(
                "{partition}: next holds entry {next}, home ends at {durable}: home has lost data"
            );
            return Err(Fault::Stop(StopReason::LostData(detail)));
        }
        let lost = |detail: String| Fault::Drop(link, Refusal::new(RefusalCode::LostData, detail));
        let known = self.next.durable_at(incarnation);
        if next.seq < known {
            return Err(lost(format!(
                "{}: next is at {next} and once was at {known}",
                self.partition
            )));
        }
        match self.position_of(cx, next.seq)? {
            Some(position) if position == next => Ok(()),
            Some(position) => {
                Err(lost(format!("{}: next holds {next}, home {position}", self.partition)))
            }
            None => Err(lost(format!(
                "{}: next is at {next}, and home's log begins at {}: it no longer reaches back that far",
                self.partition, self.log_from,
            ))),
        }
    }

    fn made_durable(&mut self, cx: &mut Context<'_>, link: LinkId, seq: Seq) -> Result<(), Fault> {
        let State::Open(session) = &mut self.next.state else {
            return Err(Fault::protocol_error(link, "an acknowledgement before the greeting"));
        };
        // What was sent before next fenced may still be made durable, so the bound is what is durable here.
        if seq < session.acked || seq > self.durability.seq() {
            let detail = format!(
                "entry {seq} acknowledged; {} was, {} was sent",
                session.acked, session.sent
            );
            return Err(Fault::protocol_error(link, detail));
        }
        session.acked(seq, cx.now);
        self.next.durable = Some((session.incarnation, seq));
        Ok(())
    }

    fn fenced_by_next(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        view: View,
    ) -> Result<(), Fault> {
        let State::Open(Session { acked, .. }) = self.next.state else {
            return Err(Fault::protocol_error(link, "fenced before the greeting"));
        };
        let missing = || {
            Fault::protocol_error(link, format!("entry {acked} was acknowledged and is not there"))
        };
        let resume_at = self.position_of(cx, acked)?.ok_or_else(missing)?;
        self.offer(cx, view)?;
        // Home may have come to act on that view since it sent what was fenced; then there is nothing to wait for.
        let caught_up = self.acting.view().is_some_and(|acting| acting.epoch >= view.epoch);
        if let State::Open(session) = &mut self.next.state {
            session.fence(resume_at);
            session.fenced = !caught_up;
        }
        Ok(())
    }

    /// Sends what is durable here and was not sent, as far as the window goes.
    pub(super) fn send_entries(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(view) = self.acting.view().copied() else { return Ok(()) };
        let keep_from = self.keep_log_from();
        loop {
            let State::Open(session) = &self.next.state else { return Ok(()) };
            let (link, previous, durable) = (session.link, session.sent, self.durability.seq());
            if !session.has_room() || previous.seq >= durable {
                return Ok(());
            }
            let entries = self.log(cx, previous.seq.next(), durable)?;
            if let State::Open(session) = &mut self.next.state {
                session.sent_append(&entries, cx.now);
            }
            cx.tell_next(link, ToNext::Append { view, previous, entries, keep_from });
        }
    }

    /// One append's worth of entries: out of memory where they are not committed yet, else out of the log.
    fn log(&self, cx: &Context<'_>, from: Seq, to: Seq) -> Result<Vec<Entry>, Fault> {
        let Some(tail) = self.tail.from(from) else {
            let entries = cx.stored.entries(Member::Home, from, to, APPEND)?;
            let first = entries.first().map(|entry| entry.position.seq);
            assert_eq!(first, Some(from), "the log holds what is durable and not acknowledged");
            return Ok(entries);
        };
        let mut bytes = 0;
        let mut within_budget = |entry: &Entry| {
            let fits = bytes < APPEND.bytes_max && entry.position.seq <= to;
            bytes += entry.size_bytes();
            fits
        };
        Ok(tail
            .take(APPEND.entries_max)
            .take_while(|entry| within_budget(entry))
            .cloned()
            .collect())
    }

    fn position_of(&self, cx: &Context<'_>, seq: Seq) -> Result<Option<Position>, Fault> {
        if seq == self.written.seq {
            return Ok(Some(self.written));
        }
        if seq == Seq::ZERO {
            return Ok(Some(Position::ZERO));
        }
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(Some(entry.position));
        }
        let one = Budget { entries_max: 1, bytes_max: 0 };
        let entries = cx.stored.entries(Member::Home, seq, seq, one)?;
        Ok(entries.first().map(|entry| entry.position))
    }

    /// The first entry that home must keep: the last one that next has too, and a stretch behind it.
    fn keep_log_from(&self) -> Seq {
        let last_common = self.next.durable.map_or(Seq::ZERO, |(_, seq)| seq);
        let retained = self.written.seq.0.saturating_sub(self.settings.log_entries_kept);
        last_common.min(Seq(retained))
    }

    pub(super) fn trim_log(&mut self, cx: &mut Context<'_>) {
        let below = self.keep_log_from();
        if below.0 >= self.log_from.0.saturating_add(TRIM_STEP) {
            cx.write(Mutation::TrimLog { member: Member::Home, below });
            self.log_from = below;
        }
    }
}
