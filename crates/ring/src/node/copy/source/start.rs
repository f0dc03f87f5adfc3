//! Where a session begins, by what its receiver says that it has.

use protocol::id::{Epoch, Incarnation, Position, Seq};
use protocol::message::{Cursor, Greeting, Holds};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use super::sending::Sending;
use super::session::Session;
use super::snapshot::Snapshot;
use crate::link::LinkId;
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::reads::Lookup;
use crate::node::copy::replica::Replica;
use crate::node::effect::StopReason;

/// Where a session begins.
enum Start {
    /// Not before the controller has dropped the receiver, which has nothing to go on from, or the
    /// log here is read.
    Later,
    /// Entries follow what the receiver has.
    After(Position),
    /// A snapshot goes on from where it was interrupted.
    Resume(Position, Cursor),
    /// A snapshot takes the place of what the receiver has.
    Snapshot,
}

impl Sending<'_> {
    /// Begins a session with a receiver that has greeted.
    pub(super) fn open_session(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(linked) = self.peer.linked().filter(|_| self.source.session.is_none()) else {
            return Ok(());
        };
        let Some(greeting) = linked.greeting.clone() else { return Ok(()) };
        let (link, incarnation) = (linked.link, linked.incarnation);
        let needs = greeting.view.map_or(Epoch::default(), |view| view.epoch);
        let now = cx.now;
        let session = |position| Session::after(greeting.session, needs, position, now);
        let session = match self.start(cx, link, &greeting)? {
            Start::Later => return Ok(()),
            Start::After(position) => session(position),
            Start::Resume(position, cursor) => {
                session(position).with(Snapshot::resume(cursor, position.seq))
            }
            Start::Snapshot => {
                session(Position::ZERO).with(Snapshot::begin(self.replica.log.last_entry()))
            }
        };
        let durable = if session.snapshot.is_none() { session.acked_seq } else { Seq::ZERO };
        self.peer.set_durable(incarnation, durable);
        self.source.scrub.begin(cx.now + self.settings.scrub_pause);
        self.peer.greeting_is_used();
        self.replica.reads.forget_lookup();
        self.source.session = Some(session);
        Ok(())
    }

    /// Rule 4, *prefix*: what a member has is a beginning of the durable log here, and not less
    /// than it once was. What a joiner has counts for nothing: if it does not fit it is replaced.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        greeting: &Greeting,
    ) -> Result<Start, Fault> {
        let Some(view) = self.replica.view().copied() else { return Ok(Start::Snapshot) };
        let other = self.replica.id.member.other();
        match (view.in_sync.incarnation(other), &greeting.holds) {
            (Some(member), Holds::Whole(theirs)) => self.start_member(cx, link, member, *theirs),
            // The controller hears of it too, and drops it.
            (Some(_), Holds::Nothing | Holds::Part(..)) => Ok(Start::Later),
            (None, Holds::Whole(theirs)) => {
                self.check_not_ahead(&view, *theirs)?;
                Ok(self.start_joiner(cx, *theirs, Start::After(*theirs)))
            }
            (None, Holds::Part(theirs, cursor)) => {
                let resume = Start::Resume(*theirs, cursor.clone());
                Ok(self.start_joiner(cx, *theirs, resume))
            }
            (None, Holds::Nothing) => Ok(Start::Snapshot),
        }
    }

    /// A joiner whose last entry is in the log here begins as it may, another one with a snapshot.
    /// A log that is damaged there does not say: then it is not.
    fn start_joiner(&mut self, cx: &mut Context<'_>, theirs: Position, fitting: Start) -> Start {
        if theirs.seq > self.replica.log.durable()
            || self.replica.salvage.needs_snapshot(theirs.seq)
        {
            return Start::Snapshot;
        }
        let Replica { log, reads, .. } = &mut *self.replica;
        match reads.look_up(cx, log, theirs.seq) {
            Lookup::UnderWay => Start::Later,
            Lookup::Is(ours) if ours == Some(theirs) => fitting,
            Lookup::Is(_) | Lookup::Damaged(_) => Start::Snapshot,
        }
    }

    /// Home makes the entries, so it is never behind; but what a home had that lost its data may be
    /// ahead of next.
    fn check_not_ahead(&self, view: &View, theirs: Position) -> Result<(), Fault> {
        let durable = self.replica.log.durable();
        let is_home = self.replica.id.member == Member::Home;
        if is_home && theirs.seq > durable && !is_disowned(view, theirs) {
            let partition = self.replica.id.partition;
            let detail = format!(
                "{partition}: next holds entry {theirs}, home ends at {durable}: home has lost data"
            );
            return Err(Fault::Stop(StopReason::LostData(detail)));
        }
        Ok(())
    }

    fn start_member(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        member: Incarnation,
        theirs: Position,
    ) -> Result<Start, Fault> {
        if let Some(view) = self.replica.view() {
            self.check_not_ahead(view, theirs)?;
        }
        let Replica { log, reads, .. } = &mut *self.replica;
        let ours = match theirs.seq {
            seq if seq > log.durable() => None,
            seq => match reads.look_up(cx, log, seq) {
                Lookup::UnderWay => return Ok(Start::Later),
                Lookup::Is(ours) => ours,
                Lookup::Damaged(what) => return Err(Fault::Damaged(what)),
            },
        };
        let known = self.peer.durable_at(member);
        if ours == Some(theirs) && theirs.seq >= known {
            return Ok(Start::After(theirs));
        }
        let (partition, here) = (self.replica.id.partition, self.replica.id.member);
        let other = here.other();
        let detail = match ours {
            _ if theirs.seq < known => {
                format!("{partition}: {other} is at {theirs} and once was at {known}")
            }
            Some(ours) => format!("{partition}: {other} holds {theirs}, {here} {ours}"),
            None => format!(
                "{partition}: {other} is at {theirs}, and the log here begins at {}",
                self.replica.log.from(),
            ),
        };
        Err(Fault::Drop(link, Refusal::new(RefusalCode::LostData, detail)))
    }
}

/// Whether an operator has accepted the loss of what a copy out of sync holds beyond the copy in
/// sync.
fn is_disowned(view: &View, theirs: Position) -> bool {
    view.accepted_loss.is_some_and(|epoch| theirs.epoch < epoch)
}
