//! A clock reading of the caller. The core has no clock.

use std::ops::Add;
use std::time::Duration;

/// A process that hears of nothing for this long, although something was due, must have stood
/// still. What it hears next is old: a link that looks dead may belong to a living node.
pub(crate) const STANDSTILL: Duration = Duration::from_secs(1);

/// A moment, counted from an origin of the caller's choice. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Time(Duration);

impl Time {
    /// The origin of all moments.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `elapsed` after [`ZERO`](Self::ZERO).
    pub const fn at(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The earliest deadline; none if there is no deadline.
pub(crate) fn earliest(deadlines: impl IntoIterator<Item = Option<Time>>) -> Option<Time> {
    deadlines.into_iter().flatten().min()
}
