//! What is sent, and in which order: entries that are durable here, and rows right after the entry that they are as of.

use protocol::id::{Position, Seq};
use protocol::message::{CopyMessage, Data};
use protocol::view::View;

use super::snapshot::{Snapshot, size_bytes};
use crate::copy::PartitionCopy;
use crate::copy::context::{Context, Fault};

impl PartitionCopy {
    /// Sends what is durable here and was not sent, as far as the window goes, and rows in between.
    pub(super) fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
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
            Err(Fault::Damaged(what)) if from < self.needs_log_from() => {
                self.replica.drop_log(cx, self.needs_log_from());
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
}
