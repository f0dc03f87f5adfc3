//! How far the entries of a copy have come: here, on the other member and on the joiner. From that
//! follow what may be committed, what of the log must be kept, and when the source goes on.

use protocol::id::Seq;
use protocol::message::Condition;
use protocol::view::{Member, View};

use super::Source;
use super::joining::Donor;
use super::scrub::may_scrub;
use super::session::Session;
use crate::node::copy::context::GatewayLink;
use crate::node::copy::peer::Peer;
use crate::node::copy::replica::Replica;
use crate::node::settings::NodeSettings;
use crate::time::{Time, earliest};

/// For a receiver that is connected and not in sync, the log is kept beyond its bounds by so many
/// entries: what a window may hold of small ones.
const RECEIVER_LAG_ENTRIES_MAX: u64 = 65_536;

/// How far the entries of a copy have come. It decides, and changes nothing.
#[derive(Clone, Copy)]
pub(in crate::node::copy) struct Replication<'a> {
    pub(in crate::node::copy) replica: &'a Replica,
    pub(in crate::node::copy) peer: &'a Peer,
    pub(in crate::node::copy) source: &'a Source,
    pub(in crate::node::copy) settings: &'a NodeSettings,
}

impl<'a> Replication<'a> {
    /// The last entry that may be committed. A receiver was sent only what is durable at the
    /// source, so what is durable at the receiver is committed.
    pub(super) fn committable(self) -> Seq {
        let id = self.replica.id;
        if !self.replica.is_source() {
            self.replica.log.durable()
        } else if self.views().any(|view| !id.is_in(view)) {
            Seq::ZERO
        } else {
            self.durable_everywhere()
        }
    }

    /// The last entry that is durable here, on the members that are behind this copy, and on the
    /// joiner that may be one. What comes after it is kept in the log, and it itself, to see that
    /// the other copy holds the same.
    fn durable_everywhere(self) -> Seq {
        let on_joiner = self.source.join.durable_on_joiner(self.replica, self.peer);
        self.durable_on_members().min(on_joiner)
    }

    /// The last entry that is durable here and on the members that are sent entries by this copy. A
    /// joiner is left out: where the log is damaged that it would need, it gets a snapshot.
    fn durable_on_members(self) -> Seq {
        let other = self.replica.id.member.other();
        let members = self.views().filter(|view| view.in_sync.source() != other);
        let members = members.filter_map(|view| view.in_sync.incarnation(other));
        let here = self.replica.log.durable();
        members.map(|member| self.peer.durable_at(member)).fold(here, Seq::min)
    }

    /// The first entry that the copy cannot do without: a member that is behind is to be sent it,
    /// or its request may be sent again.
    pub(in crate::node::copy) fn needs_log_from(self) -> Seq {
        let members = self.durable_on_members();
        let oldest = self.replica.applied.oldest_logged();
        oldest.map_or(members, |oldest| members.min(oldest))
    }

    /// The first entry that must be kept: the last one that is durable everywhere, a stretch behind
    /// it, and what a receiver that is connected is still to be sent, if it is not too far behind.
    pub(super) fn keep_log_from(self) -> Seq {
        let retained = self.replica.log.retained_from(self.replica.applied.oldest_logged());
        let from = retained.min(self.durable_everywhere());
        let lag = |seq: Seq| from.0.saturating_sub(seq.0);
        match &self.source.session {
            // It is sent again what it has made durable already.
            Some(session) if session.sent.seq < session.acked_seq => from.min(session.sent.seq),
            Some(session) if lag(session.acked_seq) <= RECEIVER_LAG_ENTRIES_MAX => {
                from.min(session.acked_seq)
            }
            Some(_) | None => from,
        }
    }

    /// The view that the copy acts on, and the one that is being stored.
    fn views(self) -> impl Iterator<Item = &'a View> {
        [self.replica.view(), self.replica.acting.storing()].into_iter().flatten()
    }

    /// The copy as the donor of a joiner.
    pub(super) fn donor(self) -> Donor<'a> {
        let Self { replica, peer, source, settings } = self;
        Donor { replica, peer, session: source.session.as_ref(), settings }
    }

    /// When to tell the gateway that next cannot be reached: where nothing commits without it. A
    /// copy that is damaged does not ask to go on alone.
    pub(super) fn report_deadline(self) -> Option<Time> {
        let condition = self.replica.integrity.condition();
        let is_fit = self.replica.is_source() && condition == Condition::Whole;
        let view = self.replica.view().filter(|_| is_fit)?;
        let is_needed = self.replica.id.member == Member::Home
            && view.in_sync.incarnation(Member::Next).is_some();
        let Source { session, downtime, .. } = self.source;
        let is_missing = session.is_none() && !downtime.is_reported(view.epoch);
        // Next has greeted and waits while the log here is read for the start of the session. Only
        // a disk that hangs makes it unreachable.
        let patience = if self.peer.linked().is_some() && self.replica.reads.is_looking_up() {
            self.settings.append_deadline
        } else {
            self.settings.patience
        };
        (is_needed && is_missing).then(|| downtime.since() + patience)
    }

    /// When there is something to compare.
    fn scrub_deadline(self) -> Option<Time> {
        let (session, view) = (self.source.session.as_ref()?, self.replica.view()?);
        let is_free = session.snapshot.is_none()
            && session.next.is_none()
            && session.reading.is_none()
            && !session.is_comparing
            && session.takes(view, self.settings.window_bytes);
        let is_possible = is_free && may_scrub(self.replica, view);
        is_possible.then_some(self.source.scrub.not_before().max(session.rests_until))
    }

    /// When to go on at the latest.
    pub(in crate::node::copy) fn deadline(self, gateway: Option<GatewayLink>) -> Option<Time> {
        let session = self.source.session.as_ref();
        earliest([
            self.report_deadline().filter(|_| gateway.is_some()),
            session.and_then(|session| session.stall_deadline(self.settings.append_deadline)),
            session.and_then(Session::rest_deadline),
            self.scrub_deadline(),
            self.source.join.deadline(self.donor(), gateway),
        ])
    }
}
