//! A session: what was sent to the other copy since its greeting, and what of that it has made
//! durable.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::entry::Entry;
use protocol::id::{Epoch, Position, Seq};
use protocol::message::Data;
use protocol::view::View;

use super::pace::Pace;
use super::snapshot::{Begun, Snapshot};
use crate::store::ReadId;
use crate::time::Time;

/// A session with a receiver that has said how far it is.
#[derive(Debug)]
pub(super) struct Session {
    /// As in the receiver's greeting.
    pub(super) number: u64,
    /// The receiver acts on the view of this epoch: it takes nothing under an older one.
    pub(super) needs: Epoch,
    /// The last entry sent.
    pub(super) sent: Position,
    /// The last entry that the receiver has made durable.
    pub(super) acked_seq: Seq,
    /// How fast it does that.
    pub(super) pace: Pace,
    /// The snapshot that is on its way.
    pub(super) snapshot: Option<Snapshot>,
    /// What is to be sent right after an entry.
    pub(super) next: Option<(Seq, Data)>,
    /// The rows that are being read to be sent then.
    pub(super) reading: Option<ReadId>,
    /// The entries that were read to be sent next.
    pub(super) entries: Vec<Entry>,
    /// A stretch was sent, and is being compared.
    pub(super) is_comparing: bool,
    /// After a read that met damage there is none before this.
    pub(super) rests_until: Time,
    data_sent: u64,
    data_acked: u64,
    /// Number and size of the data that are under way.
    under_way: VecDeque<(u64, usize)>,
    under_way_bytes: usize,
    /// When the oldest of them was sent, or the receiver last answered.
    waiting_since: Time,
}

impl Session {
    /// A session whose receiver has everything up to this position.
    pub(super) fn after(number: u64, needs: Epoch, position: Position, now: Time) -> Self {
        Self {
            number,
            needs,
            sent: position,
            acked_seq: position.seq,
            pace: Pace::default(),
            snapshot: None,
            next: None,
            reading: None,
            entries: Vec::new(),
            is_comparing: false,
            rests_until: Time::ZERO,
            data_sent: 0,
            data_acked: 0,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            waiting_since: now,
        }
    }

    /// The same, whose receiver has nothing that counts before a snapshot is complete.
    pub(super) fn with(mut self, begun: Begun) -> Self {
        self.replace(begun);
        self
    }

    /// A snapshot is to take the place of what the receiver has.
    pub(super) fn replace(&mut self, Begun { snapshot, first }: Begun) {
        (self.snapshot, self.next) = (Some(snapshot), first);
        (self.reading, self.entries) = (None, Vec::new());
    }

    /// Whether a snapshot is to begin next.
    pub(super) fn is_beginning(&self) -> bool {
        matches!(self.next, Some((_, Data::Install { .. })))
    }

    /// Whether the receiver takes data under this view now: so much is not under way, and the view
    /// is not older than its own.
    pub(super) fn takes(&self, view: &View, window_bytes: usize) -> bool {
        self.under_way_bytes < window_bytes && view.epoch >= self.needs
    }

    /// Counts data that is sent now; returns its number.
    pub(super) fn sends(&mut self, bytes: usize, now: Time) -> u64 {
        if self.under_way.is_empty() {
            self.waiting_since = now;
        }
        self.data_sent = self.data_sent.saturating_add(1);
        self.under_way.push_back((self.data_sent, bytes));
        self.under_way_bytes = self.under_way_bytes.saturating_add(bytes);
        self.data_sent
    }

    /// Whether an acknowledgement can be true: not of what was never sent, nor less than before.
    pub(super) fn may_ack(&self, data: u64) -> bool {
        (self.data_acked..=self.data_sent).contains(&data)
    }

    /// The receiver has made durable so many of the data.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "what is taken out was counted when it was sent"
    )]
    pub(super) fn data_acknowledged(&mut self, data: u64, now: Time) {
        self.data_acked = data;
        self.waiting_since = now;
        while let Some((_, bytes)) = self.under_way.pop_front_if(|(number, _)| *number <= data) {
            self.under_way_bytes -= bytes;
        }
        self.snapshot.take_if(|snapshot| snapshot.is_complete_with(data));
    }

    /// Reads may go on after damage, if the rest is over.
    pub(super) fn end_rest(&mut self, now: Time) {
        if self.rests_until <= now {
            self.rests_until = Time::ZERO;
        }
    }

    /// When to read again after damage, where nothing goes on without that.
    pub(super) fn rest_deadline(&self) -> Option<Time> {
        let waits = self.next.is_none() && self.reading.is_none() && self.entries.is_empty();
        (waits && self.rests_until > Time::ZERO).then_some(self.rests_until)
    }

    /// When the receiver must have made something durable.
    pub(super) fn stall_deadline(&self, append_deadline: Duration) -> Option<Time> {
        (!self.under_way.is_empty()).then(|| self.waiting_since + append_deadline)
    }
}
