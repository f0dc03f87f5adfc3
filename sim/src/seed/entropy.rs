//! Randomness: all of it comes from the seed, and that it does is checked before anything is run.
//!
//! mad-turmoil puts functions of its own into the place of libc's. Two things have slipped past that elsewhere: getrandom
//! asks with no bytes whether the function is there, is answered -1, and looks at whatever `errno` was left behind; and
//! hash keys that a thread has drawn before are kept.

use std::hash::{BuildHasher, RandomState};

use anyhow::bail;
use nix::errno::Errno;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::{Uuid, Variant, Version};

/// Simulates randomness from now on; returns what will be drawn.
pub(crate) fn simulate(seed: u64) -> StdRng {
    let random = || StdRng::seed_from_u64(seed ^ 0x5eed);
    mad_turmoil::rand::set_rng(random());
    random()
}

/// Draws in the ways in which the code that is tested draws, and compares.
///
/// # Errors
///
/// When something was drawn that does not come from the seed.
#[allow(clippy::disallowed_methods, reason = "it looks where this UUID comes from")]
pub(crate) fn check(mut expected: StdRng) -> anyhow::Result<()> {
    Errno::clear();
    if Uuid::new_v4() != next(&mut expected) {
        bail!("getrandom draws real randomness: no seed would replay");
    }
    // The keys of this thread are drawn with the first one, 16 bytes of them.
    let _ = RandomState::new().hash_one(0);
    let _ = next(&mut expected);
    if Uuid::new_v4() != next(&mut expected) {
        bail!("hash keys are real randomness: no seed would replay");
    }
    Ok(())
}

/// The UUID that 16 bytes make.
fn next(random: &mut StdRng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    let builder = uuid::Builder::from_u128(u128::from_ne_bytes(bytes));
    builder.with_variant(Variant::RFC4122).with_version(Version::Random).into_uuid()
}
