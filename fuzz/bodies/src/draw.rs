//! Values drawn by proptest's strategies.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const SEED_BYTES: usize = 32;

/// Draws a value; the first bytes are the seed of the generator. Returns `None` if the strategy
/// rejects the value drawn.
///
/// proptest can also take the bytes as the random numbers themselves. When the bytes end, it
/// goes on with zeros, and some distributions reject those for ever.
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
