//! Values drawn from a seed.

use crate::harness::random::Random;

/// Draws values.
#[derive(Debug, Clone)]
pub(super) struct Draw(Random);

impl Draw {
    /// The generator of one attack.
    pub(super) fn of(seed: u64, attack: u64) -> Self {
        let mut random = Random::new(seed ^ attack.rotate_left(32));
        // Close seeds give close first numbers, so these are skipped.
        for _ in 0..8 {
            random.below(2);
        }
        Self(random)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound.max(1))
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below((most - least + 1) as u64) as usize
    }

    /// True once in `times` draws, on average.
    pub(super) fn chance(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// The numbers below `length`, in a random order.
    pub(super) fn order(&mut self, length: usize) -> Vec<usize> {
        let mut order = (0..length).collect::<Vec<_>>();
        for last in (1..length).rev() {
            order.swap(last, self.between(0, last));
        }
        order
    }
}
