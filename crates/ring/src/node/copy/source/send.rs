//! What is sent, and in which order: entries that are durable here, and rows right after the entry
//! that they are as of.

use protocol::id::{Position, Seq};
use protocol::message::{CopyMessage, Cursor, Data};
use protocol::view::View;

use super::scrub::may_scrub;
use super::sending::Sending;
use super::session::Session;
use super::snapshot::{Snapshot, size_bytes};
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::damage::alarm_of_dropped_log;
use crate::node::copy::reads::{Attempt, Purpose, RowsRead};
use crate::node::copy::replica::{Part, Replica, stretch_of};
use crate::store::{ReadError, ReadId, ReadRows};

/// How it stands with entries that are to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SendState {
    GoesOn,
    /// They are being read.
    Waits,
}

impl Sending<'_> {
    /// Sends what is durable here and was not sent, as far as the window goes, and rows in between.
    pub(super) fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let Some(view) = self.replica.view().copied() else { return Ok(()) };
        if let Some(session) = &mut self.source.session {
            session.end_rest(cx.now);
        }
        if self.replica.holds_back_data() {
            return Ok(());
        }
        loop {
            let Some(session) = &self.source.session else { return Ok(()) };
            if !session.takes(&view, self.settings.window_bytes) {
                return Ok(());
            }
            self.read_rows(cx, &view)?;
            let Some(session) = &self.source.session else { return Ok(()) };
            let durable = self.replica.log.durable();
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
                    if self.send_entries(cx, &view, to)? == SendState::Waits {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Begins to read the rows that are to be sent next, if any are and none wait to be.
    fn read_rows(&mut self, cx: &mut Context<'_>, view: &View) -> Result<(), Fault> {
        let Some(session) = &self.source.session else { return Ok(()) };
        if session.next.is_some() || session.reading.is_some() || session.rests_until > cx.now {
            return Ok(());
        }
        let after = match &session.snapshot {
            Some(snapshot) => {
                let Some(cursor) = snapshot.cursor.clone() else { return Ok(()) };
                cursor
            }
            None if session.is_comparing => return Ok(()),
            None if may_scrub(self.replica, view) && self.source.scrub.is_due(cx.now) => {
                let Replica { verification, log, reads, .. } = &mut *self.replica;
                verification.pursue(cx, log, reads);
                self.source.scrub.cursor().clone()
            }
            None => return Ok(()),
        };
        self.begin_rows(cx, after, Attempt::First)
    }

    /// Begins to read the rows after a cursor, or takes them from memory.
    fn begin_rows(
        &mut self,
        cx: &mut Context<'_>,
        after: Cursor,
        attempt: Attempt,
    ) -> Result<(), Fault> {
        let applied_to = self.source.applied_to();
        let Some(what) = self.replica.parts().rows_to_read(&after, applied_to) else {
            let none = ReadRows::Answers(Vec::new());
            let part = self.replica.parts().rows_after(&after, applied_to, none)?;
            self.rows_come_next(cx, after, part);
            return Ok(());
        };
        let (pin, begun_at) = (self.replica.log.pin(), self.replica.log.written().seq);
        let purpose = Purpose::Rows(RowsRead { after, pin, begun_at, attempt });
        let read = self.replica.reads.begin(cx, what, purpose);
        if let Some(session) = &mut self.source.session {
            session.reading = Some(read);
        }
        Ok(())
    }

    /// Rows were read. They are as of the last entry written, and go right after it.
    pub(in crate::node::copy) fn has_rows(
        &mut self,
        cx: &mut Context<'_>,
        read: ReadId,
        rows: RowsRead,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let RowsRead { after, pin, begun_at, attempt } = rows;
        let session = self.source.session.as_mut();
        let is_wanted = session
            .and_then(|session| session.reading.take_if(|reading| *reading == read))
            .is_some();
        let part = match result {
            Ok(rows) if is_wanted && self.replica.log.tail().keeps(pin) => {
                self.replica.parts().rows_after(&after, self.source.applied_to(), rows)
            }
            Ok(_) => Ok(None),
            Err(error) => Err(error.into()),
        };
        self.replica.log.unpin(pin);
        match part {
            _ if !is_wanted => Ok(()),
            Ok(part @ Some(_)) => {
                self.rows_come_next(cx, after, part);
                Ok(())
            }
            // Too much has happened meanwhile.
            Ok(None) => self.begin_rows(cx, after, attempt),
            // The row may have been written again since.
            Err(Fault::Damaged(_))
                if attempt == Attempt::First && self.replica.log.written().seq > begun_at =>
            {
                self.begin_rows(cx, after, Attempt::Second)
            }
            Err(fault) => {
                self.source.rest_until(cx.now + self.settings.scrub_pause);
                Err(fault)
            }
        }
    }

    /// These rows are sent next: right after the last entry written.
    fn rows_come_next(&mut self, cx: &mut Context<'_>, after: Cursor, part: Option<Part>) {
        let (Some(view), Some((rows, then))) = (self.replica.view().copied(), part) else { return };
        let may_scrub = may_scrub(self.replica, &view);
        let Some(session) = &mut self.source.session else { return };
        let data = if session.snapshot.is_some() {
            Data::Chunk { rows, then }
        } else if may_scrub {
            let not_before = cx.now + self.settings.scrub_pause;
            self.source.scrub.goes_on(then.clone(), not_before);
            Data::Compare(stretch_of(after, (rows, then)))
        } else {
            return;
        };
        session.next = Some((self.replica.log.written().seq, data));
    }

    /// Sends entries up to `to`; returns whether some were at hand.
    fn send_entries(
        &mut self,
        cx: &mut Context<'_>,
        view: &View,
        to: Seq,
    ) -> Result<SendState, Fault> {
        let Some(session) = &mut self.source.session else { return Ok(SendState::Waits) };
        let previous = session.sent;
        let from = previous.seq.next();
        if from < self.replica.log.from() {
            // The log was not kept for a receiver that is so far behind.
            session.replace(Snapshot::begin(self.replica.log.last_entry()));
            return Ok(SendState::GoesOn);
        }
        let mut entries = std::mem::take(&mut session.entries);
        entries.retain(|entry| entry.position.seq <= to);
        if entries.first().is_none_or(|first| first.position.seq != from) {
            let is_resting = session.rests_until > cx.now;
            let Some(at_hand) = self.replica.log.at_hand(from, to) else {
                if !is_resting {
                    self.replica.reads.read_log(cx, from, to);
                }
                return Ok(SendState::Waits);
            };
            entries = at_hand;
        }
        let Some(session) = &mut self.source.session else { return Ok(SendState::Waits) };
        if let Some(last) = entries.last() {
            session.sent = last.position;
        }
        self.send_data(cx, view, Data::Append { previous, entries });
        Ok(SendState::GoesOn)
    }

    /// Entries were read.
    pub(in crate::node::copy) fn has_entries(
        &mut self,
        cx: &mut Context<'_>,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let read = self.replica.log.as_read(from, result);
        let is_next = |session: &&mut Session| session.sent.seq.next() == from;
        let Some(session) = self.source.session.as_mut().filter(is_next) else { return Ok(()) };
        match read {
            // None where the log was trimmed meanwhile: a snapshot goes first.
            Ok(entries) => session.entries = entries.unwrap_or_default(),
            Err(Fault::Damaged(what)) if from < self.replication().needs_log_from() => {
                let below = self.replication().needs_log_from();
                self.replica.log.drop_below(cx, below);
                alarm_of_dropped_log(cx, self.replica.id, &what);
                // The receiver is no member, or it would need no less: a snapshot takes the log's
                // place.
            }
            Err(fault) => {
                self.source.rest_until(cx.now + self.settings.scrub_pause);
                return Err(fault);
            }
        }
        Ok(())
    }

    /// More of the log was read for a look at it. Where it is damaged it is dropped as far as
    /// nobody counts on it.
    pub(in crate::node::copy) fn has_verified(
        &mut self,
        cx: &mut Context<'_>,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let keep_from = self.replication().needs_log_from();
        let Replica { id, verification, log, .. } = &mut *self.replica;
        match verification.look_at(log, from, result) {
            Err(Fault::Damaged(what)) if from < keep_from.min(log.durable()) => {
                log.drop_below(cx, keep_from);
                alarm_of_dropped_log(cx, *id, &what);
                Ok(())
            }
            looked_at => looked_at,
        }
    }

    fn send_rows(&mut self, cx: &mut Context<'_>, view: &View) {
        let Some((_, data)) = self.source.session.as_mut().and_then(|session| session.next.take())
        else {
            return;
        };
        if let (Data::Install { base }, Some(session)) = (&data, &mut self.source.session) {
            session.sent = base.as_ref().map_or(Position::ZERO, |base| base.position);
            session.acked_seq = session.sent.seq;
            if let Some(linked) = self.peer.linked().map(|linked| linked.incarnation) {
                self.peer.set_durable(linked, Seq::ZERO);
            }
        }
        self.send_data(cx, view, data);
    }

    fn send_data(&mut self, cx: &mut Context<'_>, view: &View, data: Data) {
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return };
        let Some(session) = &mut self.source.session else { return };
        session.is_comparing |= matches!(data, Data::Compare(_));
        let number = session.sends(size_bytes(&data), cx.now);
        if let Some(snapshot) = &mut session.snapshot {
            snapshot.sent(&data, number);
        }
        let message = CopyMessage::Data { session: session.number, view: *view, data };
        cx.tell_copy(self.replica.id.member.other(), link, message);
    }
}
