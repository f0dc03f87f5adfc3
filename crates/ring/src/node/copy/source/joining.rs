//! How a copy that is out of sync comes back into the view: the donor's side of an ask.
//!
//! ```text
//!   Forgotten
//!     |
//!     | the view is told
//!     v      few entries missing          joiner has all that is committed
//!   Apart ----------------------> Holding ---------------------------------> Asked
//!     ^     its next sync makes      |                                         |
//!     |     the joiner level         |                                         |
//!     +------- took too long --------+                                         |
//!     +------------------- the view is told, in any state ---------------------+
//!     |                                                                        |
//!     +--- told that the joiner is linked --- Refused <--- the ask is refused --+
//!          or whole, another one comes, or a second has passed
//! ```
//!
//! The view is told by a welcome that has it, and by one of a higher epoch, from the controller or
//! the other copy.
//!
//! In *Holding* and *Asked* the donor commits nothing that the joiner has not made durable too
//! (rule 6). *Holding* makes that true before the ask is sent: without it a donor under load would
//! always be a few entries ahead. It begins only when the joiner's next sync is going to make it
//! level ([`pace`](super::pace)), so that updates wait for one sync, however slow the joiner's
//! disk. What the joiner makes durable meanwhile is committed, as in the view *both*.
//!
//! An ask is not stored. So a copy that has started may have asked before, and be granted it, for a
//! joiner that it does not know any more: *Forgotten*. As a source it commits nothing then, until
//! it is told the view, as an ask that is open ends with that. A welcome without the view comes
//! from a controller that has lost it, and with it what it decided: the view that is rebuilt may be
//! the one that was asked for.

use std::time::Duration;

use protocol::id::{Incarnation, Seq};
use protocol::message::{Ask, AskNumber, FromNode};
use protocol::view::{Member, View};

use super::pace::Pace;
use super::session::Session;
use crate::node::copy::context::{Context, GatewayLink};
use crate::node::copy::peer::Peer;
use crate::node::copy::replica::Replica;
use crate::node::settings::NodeSettings;
use crate::time::Time;

/// The donor begins to hold back its commits for the joiner when no more than this many entries are
/// still to be sent. How many are on their way does not matter: a slow disk takes them all at once.
const HOLD_LAG_ENTRIES: u64 = 256;

/// An ask that was refused is made again after this long.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The donor's side of an ask.
#[derive(Debug, Default)]
pub(super) struct Join {
    state: State,
    asks: u64,
    /// After holding in vain, not again before this.
    not_before: Option<Time>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Forgotten,
    Apart,
    Holding {
        joiner: Incarnation,
        since: Time,
    },
    Asked {
        joiner: Incarnation,
        ask: AskNumber,
    },
    Refused {
        joiner: Incarnation,
        since: Time,
    },
}

/// A copy that could join.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    joiner: Incarnation,
    /// The last entry that it has made durable.
    acked: Seq,
    /// The last entry that was sent to it.
    sent: Seq,
    /// How fast it makes entries durable.
    pace: Pace,
}

/// What the donor knows of its joiner. It decides, and changes nothing.
#[derive(Clone, Copy)]
pub(super) struct Donor<'a> {
    pub(super) replica: &'a Replica,
    pub(super) peer: &'a Peer,
    pub(super) session: Option<&'a Session>,
    pub(super) settings: &'a NodeSettings,
}

impl Donor<'_> {
    /// The copy that could join: this one serves alone, the other receives entries, and there is a
    /// controller to ask.
    fn joiner(self, gateway: Option<GatewayLink>) -> Option<Candidate> {
        let view = self.replica.view()?;
        let is_alone = self.replica.is_source() && view.in_sync.sole().is_some();
        let is_settled = is_alone
            && self.replica.acting.storing().is_none()
            && !self.replica.holds_back_data()
            && gateway.is_some();
        let session = self.session.filter(|session| {
            is_settled && view.epoch >= session.needs && session.snapshot.is_none()
        })?;
        let joiner = self.peer.linked()?.incarnation;
        let (acked, sent, pace) = (session.acked_seq, session.sent.seq, session.pace);
        Some(Candidate { joiner, acked, sent, pace })
    }

    /// The entry that the joiner must have made durable before it is asked for.
    fn level(self) -> Seq {
        match self.replica.id.member {
            Member::Home => self.replica.log.committed(),
            // The joiner is to be the primary, which makes the next entry.
            Member::Next => self.replica.log.written().seq,
        }
    }

    /// From when on to hold for a joiner; none where it is too far behind, or its next ack has to
    /// say.
    fn hold_from(self, Candidate { acked, sent, pace, .. }: Candidate) -> Option<Time> {
        let level = self.level();
        if acked >= level {
            return Some(Time::ZERO);
        }
        let unsent = self.replica.log.durable().0.saturating_sub(sent.max(acked).0);
        if unsent > HOLD_LAG_ENTRIES { None } else { pace.hold_from(level) }
    }

    /// How long to hold for a joiner: more than twice as long as it should take. One of which no
    /// sync was timed yet has no more than any; if it takes longer, its next syncs tell.
    fn hold_max(self, candidate: Candidate) -> Duration {
        let syncs = candidate.pace.sync().map(|sync| sync.saturating_mul(3));
        self.settings.hold_max.max(syncs.unwrap_or_default())
    }
}

impl Join {
    /// The controller has told the view: whatever was asked before is answered.
    pub(super) fn end(&mut self) {
        self.state = State::Apart;
    }

    /// The last entry that is durable on the joiner that the controller may make a member, or have
    /// made one (rule 6); where there is none, here.
    pub(super) fn durable_on_joiner(&self, replica: &Replica, peer: &Peer) -> Seq {
        match self.state {
            State::Forgotten => Seq::ZERO,
            State::Holding { joiner, .. } | State::Asked { joiner, .. } => peer.durable_at(joiner),
            State::Apart | State::Refused { .. } => replica.log.durable(),
        }
    }

    /// The controller refuses an ask.
    pub(super) fn refused(&mut self, now: Time, refused: AskNumber) {
        match self.state {
            State::Asked { ask, joiner } if ask == refused => {
                self.state = State::Refused { joiner, since: now };
            }
            _ => {}
        }
    }

    /// The controller says that the other copy's node is linked, or the copy whole: if an ask was
    /// refused, another one may be worth it.
    pub(super) fn joiner_may_come(&mut self) {
        if matches!(self.state, State::Refused { .. }) {
            self.state = State::Apart;
        }
    }

    /// Goes as far towards the view *both* as can be gone now.
    pub(super) fn pursue(&mut self, cx: &mut Context<'_>, donor: Donor<'_>) {
        let candidate = donor.joiner(cx.gateway);
        self.end_refusal(cx.now, candidate);
        let holds_from = candidate.and_then(|candidate| donor.hold_from(candidate));
        let level = donor.level();
        if let (State::Apart, Some(Candidate { joiner, .. })) = (self.state, candidate)
            && self.not_before.is_none()
            && holds_from.is_some_and(|holds_from| holds_from <= cx.now)
        {
            self.state = State::Holding { joiner, since: cx.now };
        }
        let State::Holding { joiner, since } = self.state else { return };
        match candidate.filter(|candidate| candidate.joiner == joiner) {
            Some(Candidate { acked, .. }) if acked >= level => self.ask(cx, donor.replica, joiner),
            Some(candidate) if cx.now < since + donor.hold_max(candidate) => {}
            Some(_) | None => {
                self.state = State::Apart;
                self.not_before = Some(cx.now + donor.settings.hold_max);
            }
        }
    }

    /// What was refused may be asked for again: for a joiner with other data, which was not asked
    /// for yet, or after a while.
    fn end_refusal(&mut self, now: Time, candidate: Option<Candidate>) {
        if let State::Refused { joiner, since } = self.state {
            let is_another = candidate.is_some_and(|candidate| candidate.joiner != joiner);
            if is_another || since + ASK_AGAIN <= now {
                self.state = State::Apart;
            }
        }
        self.not_before.take_if(|not_before| *not_before <= now);
    }

    fn ask(&mut self, cx: &mut Context<'_>, replica: &Replica, joiner: Incarnation) {
        let Some(View { partition, epoch, .. }) = replica.view().copied() else { return };
        self.asks = self.asks.saturating_add(1);
        let ask = AskNumber(self.asks);
        self.state = State::Asked { joiner, ask };
        cx.tell_gateway(FromNode::Ask(Ask { ask, partition, epoch, joiner }));
    }

    /// When to go on, at the latest.
    pub(super) fn deadline(&self, donor: Donor<'_>, gateway: Option<GatewayLink>) -> Option<Time> {
        let candidate = donor.joiner(gateway);
        match self.state {
            State::Holding { since, .. } => {
                candidate.map(|candidate| since + donor.hold_max(candidate))
            }
            State::Apart => {
                let holds_from = donor.hold_from(candidate?)?;
                let not_before = self.not_before;
                Some(not_before.map_or(holds_from, |not_before| holds_from.max(not_before)))
            }
            State::Refused { since, .. } => candidate.map(|_| since + ASK_AGAIN),
            State::Forgotten | State::Asked { .. } => None,
        }
    }
}
