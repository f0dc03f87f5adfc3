//! Values drawn by proptest's strategies.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const SEED_BYTES: usize = 32;

/// A value, by the first bytes as the seed of a generator; none where the strategy rejects what it would make of them.
///
/// proptest can take bytes for the numbers themselves, but some distributions reject the zeros behind their end for ever.
pub(crate) fn draw<S: Strategy>(strategy: &S, bytes: &[u8]) -> Option<S::Value> {
    let mut seed = [0; SEED_BYTES];
    for (seed, byte) in seed.iter_mut().zip(bytes) {
        *seed = *byte;
    }
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, random);
    strategy.new_tree(&mut runner).ok().map(|tree| tree.current())
}
