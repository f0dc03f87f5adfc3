//! The copy that receives: the replica from its primary, and a joiner from its donor, whichever of
//! the two copies it is.
//!
//! A greeting begins a session; data of a session before is not used. There is one on each link,
//! and one whenever the copy acts on another view under which it receives. Data of an older view
//! than the newest one known here is fenced: the session ends, and once that view is durable
//! another greeting tells the source of it.
//!
//! Invariants: the log is a beginning of the source's durable log; what is acknowledged is durable.

use std::collections::VecDeque;

use protocol::entry::Entry;
use protocol::id::{Epoch, Position, Seq};
use protocol::message::{CopyMessage, Cursor, Data, Greeting, Rows, Stretch};
use protocol::view::View;

use super::comparison::{Comparer, Comparison};
use super::context::{Context, Fault};
use super::peer::Peer;
use super::replica::Replica;
use crate::link::LinkId;
use crate::store::Mark;

/// What a copy has where it receives.
#[derive(Debug, Default)]
pub(super) struct Sink {
    /// Numbers the sessions, over all links.
    session: u64,
    /// A greeting is to be sent once its view is durable, and that the copy is whole.
    owes_greeting: bool,
    /// How many data of the session were used.
    data: u64,
    /// Those of them that are not durable, by the last write that each took.
    unsynced: VecDeque<(Mark, u64)>,
    /// What was acknowledged last.
    acked: (Seq, u64),
    /// The last write that is durable.
    synced: Mark,
}

impl Sink {
    fn begin_session(&mut self) {
        self.session = self.session.saturating_add(1);
        self.owes_greeting = true;
        self.data = 0;
        self.unsynced.clear();
        self.acked = (Seq::ZERO, 0);
    }

    /// How many data of the session are durable.
    #[expect(clippy::arithmetic_side_effects, reason = "data are numbered from 1")]
    fn durable_data(&self) -> u64 {
        self.unsynced.front().map_or(self.data, |(_, data)| data - 1)
    }
}

/// A message with data of the source.
pub(super) struct Received {
    /// As in the receiver's greeting.
    pub(super) session: u64,
    /// The source's view.
    pub(super) view: View,
    /// The data itself.
    pub(super) data: Data,
}

/// What became of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It was not used: it is of an older session or view.
    Dropped,
    /// It was written, or is being compared.
    Used,
}

/// Receives from the source. It owns the sink and the comparison, and changes the replica.
pub(super) struct Receiving<'a> {
    pub(super) replica: &'a mut Replica,
    pub(super) peer: &'a Peer,
    pub(super) sink: &'a mut Sink,
    pub(super) comparison: &'a mut Comparison,
}

impl Receiving<'_> {
    /// A new link is up: the other copy is told how far this one is.
    pub(super) fn begin_greeting(&mut self, cx: &mut Context<'_>) {
        self.sink.begin_session();
        self.comparing().forget();
        self.greet(cx);
    }

    /// Says how far the copy is, if it owes that. The view that it names is durable, and that it is
    /// whole, or the source would be told of what a loss of power takes away.
    fn greet(&mut self, cx: &mut Context<'_>) {
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return };
        if !self.sink.owes_greeting || self.replica.acting.storing().is_some() {
            return;
        }
        let Some(holds) = self.replica.holds() else { return };
        self.sink.owes_greeting = false;
        let greeting =
            Greeting { session: self.sink.session, view: self.replica.view().copied(), holds };
        self.sink.acked = (self.replica.log.durable(), 0);
        cx.tell_copy(self.replica.id.member.other(), link, CopyMessage::Greeting(greeting));
    }

    /// The writes up to this one are durable: the source is told what that makes durable of it.
    pub(super) fn acknowledge(&mut self, cx: &mut Context<'_>, mark: Mark) {
        self.sink.synced = mark;
        while self.sink.unsynced.pop_front_if(|(written, _)| *written <= mark).is_some() {}
        self.greet(cx);
        self.tell_durable(cx);
    }

    fn tell_durable(&mut self, cx: &mut Context<'_>) {
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return };
        let (seq, data) = (self.replica.log.durable(), self.sink.durable_data());
        // A source that has not been greeted is told by the greeting, and a source is told nothing.
        if self.sink.owes_greeting || self.replica.is_source() || self.sink.acked == (seq, data) {
            return;
        }
        self.sink.acked = (seq, data);
        let (session, written) = (self.sink.session, self.replica.log.written().seq);
        let message = CopyMessage::Durable { session, seq, data, written };
        cx.tell_copy(self.replica.id.member.other(), link, message);
    }

    /// Data from the other copy.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        Received { session, view, data }: Received,
    ) -> Result<Use, Fault> {
        if session != self.sink.session {
            return Ok(Use::Dropped);
        }
        self.check_source(link, &view)?;
        let newest = self.replica.acting.newest();
        if newest.is_some_and(|newest| newest.epoch > view.epoch) {
            self.begin_greeting(cx);
            return Ok(Use::Dropped);
        }
        let epoch = view.epoch;
        self.replica.offer(cx, view)?;
        match data {
            Data::Append { previous, entries } => {
                let mut positions = entries.iter().map(|entry| entry.position);
                positions.try_for_each(|position| check_epoch(link, epoch, position))?;
                self.append(cx, link, previous, entries)?;
            }
            Data::Install { base } => {
                self.check_joiner(link)?;
                let position = base.as_ref().map(|base| base.position).unwrap_or_default();
                check_epoch(link, epoch, position)?;
                self.comparing().forget();
                self.replica.begin_install(cx, base);
            }
            Data::Chunk { rows, then } => {
                self.check_joiner(link)?;
                if let Rows::Records(rows) = &rows {
                    let mut positions = rows.iter().map(|row| row.position);
                    positions.try_for_each(|position| check_epoch(link, epoch, position))?;
                }
                self.install(cx, link, rows, then)?;
            }
            Data::Compare(stretch) => {
                self.check_stretch(link, &stretch)?;
                self.comparing().compare(cx, stretch)?;
            }
        }
        Ok(Use::Used)
    }

    /// Data was used: it is counted, and acknowledged where it needed no write.
    pub(super) fn count(&mut self, cx: &mut Context<'_>) {
        self.sink.data = self.sink.data.saturating_add(1);
        let mark = cx.last_write();
        if mark > self.sink.synced {
            self.sink.unsynced.push_back((mark, self.sink.data));
        }
        let log = &mut self.replica.log;
        let retained = log.retained_from(self.replica.applied.oldest_logged());
        log.trim(cx, retained);
        self.tell_durable(cx);
    }

    /// The comparison with the source.
    pub(super) fn comparing(&mut self) -> Comparer<'_> {
        Comparer {
            replica: self.replica,
            comparison: self.comparison,
            peer: self.peer,
            session: self.sink.session,
        }
    }

    /// Whoever sends data is the source of its view, with the data that the view names.
    fn check_source(&self, link: LinkId, view: &View) -> Result<(), Fault> {
        let other = self.replica.id.member.other();
        let incarnation = self.peer.linked().map(|linked| linked.incarnation);
        let is_source = view.partition == self.replica.id.partition
            && view.in_sync.source() == other
            && view.in_sync.incarnation(other) == incarnation;
        if is_source {
            Ok(())
        } else {
            Err(Fault::protocol_error(link, format!("the {other} copy sends data under {view}")))
        }
    }

    /// Only what no view counts on may be replaced.
    fn check_joiner(&self, link: LinkId) -> Result<(), Fault> {
        if self.replica.is_counted_on() {
            return Err(Fault::protocol_error(link, "a snapshot for a copy that is in sync"));
        }
        Ok(())
    }

    /// A stretch says how much is read for it: no more than a part has, and of one kind.
    fn check_stretch(&self, link: LinkId, stretch: &Stretch) -> Result<(), Fault> {
        let Stretch { after, to, rows, .. } = stretch;
        let rows_max = self.replica.parts().part_rows_max();
        let is_short = usize::try_from(*rows).is_ok_and(|rows| rows <= rows_max);
        let is_of_one_kind = match (after, to) {
            (Cursor::Applied(_), to) => to.as_ref().is_some_and(|to| *to <= Cursor::Records(None)),
            (Cursor::Records(_), _) => true,
        };
        let goes_on = to.as_ref().is_none_or(|to| to > after);
        if self.comparison.is_under_way() {
            let detail = "a stretch is to be compared, and the one before is not yet";
            return Err(Fault::protocol_error(link, detail));
        }
        if is_short && is_of_one_kind && goes_on {
            return Ok(());
        }
        let detail = format!("a stretch of {rows} rows that cannot be one is to be compared");
        Err(Fault::protocol_error(link, detail))
    }

    /// Rule 4: whatever the source sends follows what is here, or is here already.
    fn append(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        previous: Position,
        entries: Vec<Entry>,
    ) -> Result<(), Fault> {
        let written = self.replica.log.written();
        if previous.seq > written.seq {
            let detail = format!("entries after {previous}, this copy is at {written}");
            return Err(Fault::protocol_error(link, detail));
        }
        if previous.seq == written.seq && previous != written {
            let detail = format!("the source holds {previous}, this copy {written}");
            return Err(Fault::protocol_error(link, detail));
        }
        for entry in entries {
            let (position, written) = (entry.position, self.replica.log.written());
            if position.seq <= written.seq {
                continue;
            }
            if position.seq != written.seq.next() || position.epoch < written.epoch {
                let detail = format!("entry {position} after {written}");
                return Err(Fault::protocol_error(link, detail));
            }
            self.replica.apply(cx, entry);
        }
        Ok(())
    }

    /// Rows follow what is there of the snapshot, and move it on.
    fn install(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        rows: Rows,
        then: Option<Cursor>,
    ) -> Result<(), Fault> {
        let is_kind = match (self.replica.integrity.installing(), &rows) {
            (Some(Cursor::Applied(_)), Rows::Applied(_)) => then.is_some(),
            (Some(Cursor::Records(_)), Rows::Records(_)) => true,
            (Some(_) | None, _) => false,
        };
        let moves_on = then.is_none() || then.as_ref() > self.replica.integrity.installing();
        if !(is_kind && moves_on) {
            let at = self.replica.integrity.installing();
            let detail = format!("rows up to {then:?} for a snapshot that is at {at:?}");
            return Err(Fault::protocol_error(link, detail));
        }
        self.replica.install(cx, rows, then);
        Ok(())
    }
}

/// What is sent under a view was made under it, or under one before.
fn check_epoch(link: LinkId, epoch: Epoch, position: Position) -> Result<(), Fault> {
    if position.epoch <= epoch {
        return Ok(());
    }
    let detail = format!("what was made at {position} under a view of epoch {epoch}");
    Err(Fault::protocol_error(link, detail))
}
