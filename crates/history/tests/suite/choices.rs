//! The source of decisions for generated tests.

use proptest::prelude::*;

/// A list of decisions. Proptest shortens it when a test fails. After its end every decision is
/// 0.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    numbers: Vec<u16>,
    next: usize,
}

impl Choices {
    pub(crate) fn new(numbers: Vec<u16>) -> Self {
        Self { numbers, next: 0 }
    }

    /// Decisions drawn from a seed (the generator is SplitMix64).
    pub(crate) fn from_seed(seed: u64, count: usize) -> Self {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ (mixed >> 31)) as u16
        };
        Self::new((0..count).map(|_| draw()).collect())
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let number = self.numbers.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(number) % limit
    }

    /// A number different from all earlier ones of this method.
    pub(crate) fn distinct(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// One of `values`.
    pub(crate) fn pick<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    /// True in this many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        // High numbers mean yes, so that shortening ends in the plain case.
        self.below(100) >= 100 - percent
    }
}

/// Lists of up to `count_max` decisions.
pub(crate) fn choices(count_max: usize) -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<u16>(), 0..=count_max).prop_map(Choices::new)
}
