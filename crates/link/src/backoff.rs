//! Backoff: the delay before the next attempt to connect.

use std::time::Duration;

/// Delays that double from a first value up to a maximum. Each has a random part.
///
/// The random part keeps peers from returning in the same instant after they lose the same
/// server. The caller draws the random number, so a simulation can replay it. (Exponential
/// back-off with *equal jitter*, as in
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Delays of up to `first`, then of up to twice `first`, and so on; never above `max`.
    pub fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first.min(max) }
    }

    /// Begins again with the first delay. Call it on news of the peer.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.max);
    }

    /// Reports the lifetime of a lost link. A link of at least the maximum delay was of use,
    /// and the delays begin again. A peer that accepts a link and drops it at once gets a
    /// longer pause.
    pub fn link_lived(&mut self, time: Duration) {
        if time >= self.max {
            self.reset();
        }
    }

    /// The delay before the next attempt: half of the current size, plus `random_fraction` of
    /// the other half.
    ///
    /// A fraction below 0 counts as 0, one above 1 as 1, and NaN as 0.
    pub fn next_delay(&mut self, random_fraction: f64) -> Duration {
        #[expect(clippy::arithmetic_side_effects, reason = "two is not zero")]
        let half = self.next / 2;
        // `mul_f64` would panic on NaN.
        let fraction = if random_fraction.is_nan() { 0.0 } else { random_fraction.clamp(0.0, 1.0) };
        self.next = self.next.saturating_mul(2).min(self.max);
        half.saturating_add(half.mul_f64(fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_millis(500);

    #[test]
    fn delays_double_up_to_the_greatest_and_begin_again_after_a_reset() {
        let mut backoff = Backoff::new(FIRST, MAX);
        let delays: Vec<u128> = (0..5).map(|_| backoff.next_delay(1.0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 500, 500]);
        backoff.reset();
        assert_eq!(backoff.next_delay(0.0), FIRST / 2);
    }

    #[test]
    fn only_a_link_that_lived_begins_again() {
        let mut backoff = Backoff::new(FIRST, MAX);
        backoff.next_delay(1.0);
        backoff.link_lived(MAX - Duration::from_millis(1));
        assert_eq!(backoff.next_delay(1.0), 2 * FIRST);
        backoff.link_lived(MAX);
        assert_eq!(backoff.next_delay(1.0), FIRST);
    }

    proptest! {
        #[test]
        fn no_fraction_leads_outside_of_half_to_whole(fraction: f64, attempts in 0usize..80) {
            let mut backoff = Backoff::new(FIRST, MAX);
            for _ in 0..attempts {
                backoff.next_delay(fraction);
            }
            let delay = backoff.next_delay(fraction);
            prop_assert!(delay >= FIRST / 2 && delay <= MAX, "{delay:?}");
        }
    }
}
