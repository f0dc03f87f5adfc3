//! How fast a receiver makes durable what it is sent: from that a donor knows when to hold its
//! commits for a joiner.
//!
//! ```text
//!   joiner:   |<--- sync --->|<--- sync --->|<--- sync --->|
//!   entries:       written        written
//!   acks:                    1              2              3
//!   donor:                          ^ holds                ^ the joiner is level: asks
//! ```
//!
//! A joiner that acknowledges begins its next sync at once, if it has written more. That sync
//! covers what it has written by then, which it says. Entries that come while it syncs are made
//! durable by the sync after that. So a donor that holds just before an ack knows the joiner level
//! one sync after that ack: what was committed until it held has arrived before.
//!
//! A joiner that has made durable all that it has written syncs the next entry as soon as that
//! comes. It is behind by what is on its way alone, maybe for ever: so a donor may hold at any
//! time.

use std::time::Duration;

use protocol::id::Seq;

use crate::time::Time;

/// What is under way when the donor holds is given this long at least to arrive before the joiner's
/// next sync.
const ARRIVAL_MIN: Duration = Duration::from_millis(10);

/// How fast a receiver makes durable what it is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    last: Option<Ack>,
    /// How long the last sync took, as far as two acks tell.
    sync: Option<Duration>,
}

/// An ack that has made more entries durable.
#[derive(Debug, Clone, Copy)]
struct Ack {
    at: Time,
    durable: Seq,
    /// The last entry that the receiver had written by then.
    written: Seq,
}

impl Pace {
    /// The receiver has made entries durable up to `durable`, and has written those up to
    /// `written`.
    pub(super) fn acked(&mut self, at: Time, durable: Seq, written: Seq) {
        if let Some(last) = self.last {
            if durable <= last.durable {
                return;
            }
            // Otherwise it was idle for a while.
            if last.written > last.durable {
                self.sync = Some(at.since(last.at));
            }
        }
        self.last = Some(Ack { at, durable, written: written.max(durable) });
    }

    /// How long a sync takes.
    pub(super) fn sync(&self) -> Option<Duration> {
        self.sync
    }

    /// From when on a donor that has committed up to `committed` is to hold; none where the next
    /// ack has to say.
    pub(super) fn hold_from(&self, committed: Seq) -> Option<Time> {
        let Ack { at, durable, written } = self.last?;
        let is_idle = written == durable;
        if is_idle || written >= committed {
            return Some(at);
        }
        let sync = self.sync?;
        let lead = sync.checked_div(10).unwrap_or_default().max(ARRIVAL_MIN);
        Some(at + sync.saturating_sub(lead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    #[test]
    fn a_donor_holds_just_before_the_ack_of_a_slow_joiner() {
        let mut pace = Pace::default();
        assert_eq!(pace.hold_from(Seq(9)), None, "nothing is known yet");
        pace.acked(at(1_000), Seq(1), Seq(5));
        assert_eq!(pace.hold_from(Seq(9)), None);
        pace.acked(at(1_600), Seq(5), Seq(8));
        assert_eq!(pace.hold_from(Seq(9)), Some(at(2_140)));
    }

    #[test]
    fn a_donor_holds_at_once_where_the_next_ack_makes_the_joiner_level() {
        let mut pace = Pace::default();
        pace.acked(at(1_000), Seq(1), Seq(9));
        assert_eq!(pace.hold_from(Seq(9)), Some(at(1_000)), "its sync covers all");
        pace.acked(at(1_008), Seq(9), Seq(10));
        assert_eq!(pace.hold_from(Seq(20)), Some(at(1_008)), "there is no time to lose");
    }

    #[test]
    fn a_donor_holds_at_once_for_a_joiner_that_is_behind_by_what_is_on_its_way_alone() {
        let mut pace = Pace::default();
        pace.acked(at(1_000), Seq(1), Seq(1));
        assert_eq!(pace.hold_from(Seq(3)), Some(at(1_000)));
        pace.acked(at(1_060), Seq(2), Seq(2));
        assert_eq!(pace.hold_from(Seq(4)), Some(at(1_060)));
    }

    #[test]
    fn idle_time_is_no_sync() {
        let mut pace = Pace::default();
        pace.acked(at(1_000), Seq(1), Seq(5));
        pace.acked(at(1_600), Seq(5), Seq(5));
        pace.acked(at(9_000), Seq(6), Seq(7));
        assert_eq!(pace.sync(), Some(Duration::from_millis(600)));
    }
}
