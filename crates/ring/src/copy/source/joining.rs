//! How a copy that is out of sync comes back into the view: the donor's side of an ask.
//!
//! ```text
//!   Forgotten
//!     |
//!     | the view is told
//!     v      few entries missing          joiner has all that is committed
//!   Apart ----------------------> Holding ---------------------------------> Asked
//!     ^                              |                                         |
//!     +------- took too long --------+                                         |
//!     +------------------- the view is told, in any state ---------------------+
//!     |                                                                        |
//!     +--- told that the joiner is linked --- Refused <--- the ask is refused --+
//!          or whole, or another one comes
//! ```
//!
//! The view is told by a welcome that has it, and by one of a higher epoch, from the controller or the other copy.
//!
//! In *Holding* and *Asked* the donor commits nothing that the joiner has not made durable too (rule 6). *Holding* makes
//! that true before the ask is sent: without it a donor under load would always be a few entries ahead.
//!
//! An ask is not stored. So a copy that has started may have asked before, and be granted it, for a joiner that it does not
//! know any more: *Forgotten*. As a source it commits nothing then, until it is told the view, as an ask that is open ends
//! with that. A welcome without the view comes from a controller that has lost it, and with it what it decided: the view
//! that is rebuilt may be the one that was asked for.

use std::time::Duration;

use protocol::id::{Incarnation, Seq};
use protocol::message::{Ask, AskNumber, FromNode};
use protocol::view::{Member, View};

use crate::copy::PartitionCopy;
use crate::copy::context::{Context, Fault};
use crate::time::Time;

/// The donor begins to hold back its commits for the joiner when no more than this many entries are missing there, or
/// all that are missing are on their way (how many that can be, the window says).
const HOLD_LAG_ENTRIES: u64 = 256;

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
}

impl Join {
    /// The controller has told the view: whatever was asked before is answered.
    pub(super) fn end(&mut self) {
        self.state = State::Apart;
    }

    pub(super) fn deadline(&self, hold_max: Duration) -> Option<Time> {
        match self.state {
            State::Holding { since, .. } => Some(since + hold_max),
            State::Apart => self.not_before,
            State::Forgotten | State::Asked { .. } | State::Refused { .. } => None,
        }
    }
}

impl PartitionCopy {
    /// The last entry that is durable on the joiner that the controller may make a member, or have made one (rule 6); where
    /// there is none, here.
    pub(super) fn durable_on_joiner(&self) -> Seq {
        match self.source.join.state {
            State::Forgotten => Seq::ZERO,
            State::Holding { joiner, .. } | State::Asked { joiner, .. } => {
                self.peer.durable_at(joiner)
            }
            State::Apart | State::Refused { .. } => self.replica.durable(),
        }
    }

    /// The controller refuses an ask.
    pub(crate) fn ask_refused(
        &mut self,
        cx: &mut Context<'_>,
        refused: AskNumber,
    ) -> Result<(), Fault> {
        let join = &mut self.source.join;
        match join.state {
            State::Asked { ask, joiner } if ask == refused => {
                join.state = State::Refused { joiner };
            }
            _ => {}
        }
        self.proceed(cx)
    }

    /// The controller says that the other copy's node is linked, or the copy whole: if an ask was refused, another one may be
    /// worth it.
    pub(crate) fn joiner_may_come(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let join = &mut self.source.join;
        if matches!(join.state, State::Refused { .. }) {
            join.state = State::Apart;
        }
        self.proceed(cx)
    }

    /// Goes as far towards the view *both* as can be gone now.
    pub(super) fn pursue_joining(&mut self, cx: &mut Context<'_>) {
        let candidate = self.joiner(cx);
        let durable = self.replica.durable();
        let level = match self.replica.member() {
            Member::Home => self.replica.committed(),
            // The joiner is to be the primary, which makes the next entry.
            Member::Next => self.replica.written().seq,
        };
        let join = &mut self.source.join;
        if let (State::Refused { joiner }, Some(candidate)) = (join.state, candidate)
            && candidate.joiner != joiner
        {
            // The node came back with other data: that was not asked for yet.
            join.state = State::Apart;
        }
        join.not_before.take_if(|not_before| *not_before <= cx.now);
        if let (State::Apart, Some(Candidate { joiner, acked, sent })) = (join.state, candidate) {
            let missing = durable.0.saturating_sub(acked.0);
            let is_near = missing <= HOLD_LAG_ENTRIES || sent >= durable;
            if join.not_before.is_none() && is_near {
                join.state = State::Holding { joiner, since: cx.now };
            }
        }
        let State::Holding { joiner, since } = join.state else { return };
        match candidate {
            Some(Candidate { joiner: same, acked, .. }) if same == joiner && acked >= level => {
                self.ask(cx, joiner)
            }
            Some(Candidate { joiner: same, .. })
                if same == joiner && cx.now < since + self.settings.hold_max => {}
            Some(_) | None => {
                join.state = State::Apart;
                join.not_before = Some(cx.now + self.settings.hold_max);
            }
        }
    }

    /// The copy that could join: this one serves alone, the other receives entries, and there is a controller to ask.
    fn joiner(&self, cx: &Context<'_>) -> Option<Candidate> {
        let view = self.view()?;
        let is_alone = self.is_source() && view.in_sync.sole().is_some();
        let is_settled = is_alone && self.replica.storing().is_none() && cx.gateway.is_some();
        let session = self.source.session.as_ref().filter(|session| {
            is_settled && view.epoch >= session.needs && session.snapshot.is_none()
        })?;
        let joiner = self.peer.linked()?.incarnation;
        Some(Candidate { joiner, acked: session.acked, sent: session.sent.seq })
    }

    fn ask(&mut self, cx: &mut Context<'_>, joiner: Incarnation) {
        let Some(View { epoch, .. }) = self.view().copied() else { return };
        let join = &mut self.source.join;
        join.asks = join.asks.saturating_add(1);
        let ask = AskNumber(join.asks);
        join.state = State::Asked { joiner, ask };
        let partition = self.partition();
        cx.tell_gateway(FromNode::Ask(Ask { ask, partition, epoch, joiner }));
    }
}
