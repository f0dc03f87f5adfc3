//! A clock reading of the caller's: the core has no clock.

use std::ops::Add;
use std::time::Duration;

/// A moment, as the time since some moment of the caller's choice; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Time(Duration);

impl Time {
    /// The moment that all others are counted from.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `elapsed` after [`ZERO`](Self::ZERO).
    pub const fn at(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after `earlier` this is; zero if it is not.
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

/// The earlier of two deadlines, where there are any.
pub(crate) fn earliest(deadlines: impl IntoIterator<Item = Option<Time>>) -> Option<Time> {
    deadlines.into_iter().flatten().min()
}
