//! What home knows of next: the session over their link, and what outlives it.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::entry::Entry;
use protocol::id::{Incarnation, Position, Seq};

use crate::link::LinkId;
use crate::time::Time;

/// The most that is sent and not made durable, in bytes: flow control, and a bound on what a slow next piles up.
const WINDOW_BYTES: usize = 2 << 20;

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

/// A session with a next that has said how far it is.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) link: LinkId,
    pub(super) incarnation: Incarnation,
    /// The last entry sent.
    pub(super) sent: Position,
    /// The last entry that next has made durable.
    pub(super) acked: Seq,
    /// Last entry and size of each append that is under way.
    under_way: VecDeque<(Seq, usize)>,
    under_way_bytes: usize,
    /// When the oldest append that is under way was sent, or next last answered.
    waiting_since: Time,
    /// Next acts on a newer view than home: it takes nothing until home has caught up with that.
    fenced: bool,
}

/// When to send again what next has fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// At once: home acts on the view that next knows by now.
    AtOnce,
    /// When home acts on another view.
    UnderAnotherView,
}

impl NextLink {
    pub(super) fn down(now: Time) -> Self {
        Self { state: State::Down, durable: None, down_since: now, reported: false }
    }

    /// A link is up; next has not said yet how far it is.
    pub(super) fn linked(&mut self, link: LinkId, incarnation: Incarnation) {
        self.state = State::Greeting { link, incarnation };
    }

    /// The incarnation that is to say how far it is.
    pub(super) fn ungreeted(&self) -> Option<Incarnation> {
        match self.state {
            State::Greeting { incarnation, .. } => Some(incarnation),
            State::Down | State::Open(_) => None,
        }
    }

    /// Next has said how far it is.
    pub(super) fn open(&mut self, position: Position, now: Time) {
        let State::Greeting { link, incarnation } = self.state else { return };
        self.durable = Some((incarnation, position.seq));
        self.state = State::Open(Session {
            link,
            incarnation,
            sent: position,
            acked: position.seq,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            waiting_since: now,
            fenced: false,
        });
    }

    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            State::Open(session) => Some(session),
            State::Greeting { .. } | State::Down => None,
        }
    }

    /// Next has made its entries up to this one durable.
    pub(super) fn acked(&mut self, seq: Seq, now: Time) {
        if let State::Open(session) = &mut self.state {
            session.acked(seq, now);
            self.durable = Some((session.incarnation, seq));
        }
    }

    /// What comes after this position is sent next.
    pub(super) fn resume_after(&mut self, position: Position) {
        if let Some(session) = self.session() {
            session.sent = position;
        }
    }

    /// The last entry that next, whatever its data, was heard to have made durable.
    pub(super) fn durable(&self) -> Seq {
        self.durable.map_or(Seq::ZERO, |(_, seq)| seq)
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

    /// The session, where entries can be sent over it.
    pub(super) fn receiving(&self) -> Option<&Session> {
        match &self.state {
            State::Open(session) if !session.fenced => Some(session),
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
        if let Some(session) = self.session() {
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

    /// Next is dialled from now on: it has its time to be reached.
    pub(super) fn dialled(&mut self, now: Time) {
        if !self.is_open() {
            self.down_since = now;
        }
    }

    /// The link is gone; next was well until `down_since`, or longer ago where there was no session.
    pub(super) fn close(&mut self, down_since: Time) {
        if self.is_open() {
            self.down_since = down_since;
        }
        self.state = State::Down;
    }

    pub(super) fn link(&self) -> Option<LinkId> {
        match &self.state {
            State::Down => None,
            State::Greeting { link, .. } => Some(*link),
            State::Open(session) => Some(session.link),
        }
    }
}

impl Session {
    pub(super) fn has_room(&self) -> bool {
        !self.fenced && self.under_way_bytes < WINDOW_BYTES
    }

    pub(super) fn sent_append(&mut self, entries: &[Entry], now: Time) {
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
    pub(super) fn fence(&mut self, resume_at: Position, resume: Resume) {
        self.fenced = resume == Resume::UnderAnotherView;
        self.sent = resume_at;
        self.under_way.clear();
        self.under_way_bytes = 0;
    }
}
