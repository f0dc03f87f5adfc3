//! What home and next say to each other, and what home sends when.

use protocol::id::{Incarnation, Position, Seq};
use protocol::message::{FromNext, ToNext};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::View;

use super::HomeCopy;
use super::session::{Resume, Session};
use crate::copy::context::{Context, Fault};
use crate::link::LinkId;
use crate::node::StopReason;
use crate::time::Time;

impl HomeCopy {
    /// Next's node is dialled from now on.
    pub(crate) fn next_is_dialled(&mut self, now: Time) {
        self.next.dialled(now);
    }

    /// A new link to next is up.
    pub(crate) fn next_linked(&mut self, link: LinkId, incarnation: Incarnation) {
        self.next.linked(link, incarnation);
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
        let Some(incarnation) = self.next.ungreeted() else {
            return Err(Fault::protocol_error(link, "a second greeting"));
        };
        self.check_prefix(cx, link, incarnation, position)?;
        if let Some(view) = view {
            self.check_view(link, &view)?;
            self.offer(cx, view)?;
        }
        self.next.open(position, cx.now);
        Ok(())
    }

    /// A view from next is one of this partition.
    fn check_view(&self, link: LinkId, view: &View) -> Result<(), Fault> {
        if view.partition == self.partition() {
            return Ok(());
        }
        Err(Fault::protocol_error(link, format!("next of {} acts on {view}", self.partition())))
    }

    /// Rule 4, *prefix*: next's log must be one of home's own durable log, and not shorter than it once was.
    fn check_prefix(
        &self,
        cx: &Context<'_>,
        link: LinkId,
        incarnation: Incarnation,
        next: Position,
    ) -> Result<(), Fault> {
        let durable = self.replica.durable();
        if next.seq > durable {
            let partition = self.partition();
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
                self.partition()
            )));
        }
        match self.replica.position_of(cx, next.seq)? {
            Some(position) if position == next => Ok(()),
            Some(position) => {
                Err(lost(format!("{}: next holds {next}, home {position}", self.partition())))
            }
            None => Err(lost(format!(
                "{}: next is at {next}, and home's log begins at {}: it no longer reaches back that far",
                self.partition(),
                self.replica.log_from(),
            ))),
        }
    }

    fn made_durable(&mut self, cx: &mut Context<'_>, link: LinkId, seq: Seq) -> Result<(), Fault> {
        let Some(&mut Session { acked, sent, .. }) = self.next.session() else {
            return Err(Fault::protocol_error(link, "an acknowledgement before the greeting"));
        };
        // What was sent before next fenced may still be made durable, so the bound is what is durable here.
        if seq < acked || seq > self.replica.durable() {
            let detail = format!("entry {seq} acknowledged; {acked} was, {sent} was sent");
            return Err(Fault::protocol_error(link, detail));
        }
        self.next.acked(seq, cx.now);
        if seq > sent.seq {
            // Sent before next fenced, and made durable all the same: it is not sent again, and may be trimmed.
            let position =
                self.replica.position_of(cx, seq)?.ok_or_else(|| not_there(link, seq))?;
            self.next.resume_after(position);
        }
        Ok(())
    }

    fn fenced_by_next(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        view: View,
    ) -> Result<(), Fault> {
        let Some(&mut Session { acked, .. }) = self.next.session() else {
            return Err(Fault::protocol_error(link, "fenced before the greeting"));
        };
        self.check_view(link, &view)?;
        let resume_at =
            self.replica.position_of(cx, acked)?.ok_or_else(|| not_there(link, acked))?;
        self.offer(cx, view)?;
        // Home may have come to act on that view since it sent what was fenced; then there is nothing to wait for.
        let caught_up = self.view().is_some_and(|acting| acting.epoch >= view.epoch);
        let resume = if caught_up { Resume::AtOnce } else { Resume::UnderAnotherView };
        if let Some(session) = self.next.session() {
            session.fence(resume_at, resume);
        }
        Ok(())
    }

    /// Sends what is durable here and was not sent, as far as the window goes.
    pub(super) fn send_entries(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(view) = self.view().copied() else { return Ok(()) };
        let keep_from = self.keep_log_from();
        loop {
            let Some(session) = self.next.session() else { return Ok(()) };
            let (link, previous, durable) = (session.link, session.sent, self.replica.durable());
            if !session.has_room() || previous.seq >= durable {
                return Ok(());
            }
            let entries = self.replica.log(cx, previous.seq.next(), durable)?;
            session.sent_append(&entries, cx.now);
            cx.tell_next(link, ToNext::Append { view, previous, entries, keep_from });
        }
    }

    /// The first entry that home must keep: the last one that next has too, and a stretch behind it.
    fn keep_log_from(&self) -> Seq {
        let last_common = self.next.durable();
        let retained = self.replica.written().seq.0.saturating_sub(self.settings.log_entries_kept);
        last_common.min(Seq(retained))
    }

    pub(super) fn trim_log(&mut self, cx: &mut Context<'_>) {
        self.replica.trim_log(cx, self.keep_log_from());
    }
}

fn not_there(link: LinkId, seq: Seq) -> Fault {
    Fault::protocol_error(link, format!("entry {seq} was acknowledged and is not there"))
}
