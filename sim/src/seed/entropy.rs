//! Randomness: all of it comes from the seed, and a check confirms this before anything runs.
//!
//! mad-turmoil replaces functions of libc by its own. Elsewhere, two things have slipped past
//! this. First, getrandom asks for zero bytes to see whether the function exists, gets -1, and
//! reads an old `errno`. Second, a thread keeps the hash keys that it has drawn before.

use std::hash::{BuildHasher, RandomState};

use anyhow::bail;
use nix::errno::Errno;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::{Uuid, Variant, Version};

/// Simulates randomness from now on. Returns a generator with the same future draws.
pub(crate) fn simulate(seed: u64) -> StdRng {
    let random = || StdRng::seed_from_u64(seed ^ 0x5eed);
    mad_turmoil::rand::set_rng(random());
    random()
}

/// Draws in the same ways as the tested code, and compares.
///
/// # Errors
///
/// A draw did not come from the seed.
#[allow(clippy::disallowed_methods, reason = "it looks where this UUID comes from")]
pub(crate) fn check(mut expected: StdRng) -> anyhow::Result<()> {
    Errno::clear();
    if Uuid::new_v4() != next(&mut expected) {
        bail!("getrandom draws real randomness: no seed would replay");
    }
    // The first hash draws the keys of this thread, 16 bytes.
    let _ = RandomState::new().hash_one(0);
    let _ = next(&mut expected);
    if Uuid::new_v4() != next(&mut expected) {
        bail!("hash keys are real randomness: no seed would replay");
    }
    Ok(())
}

/// The UUID from the next 16 bytes.
fn next(random: &mut StdRng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    let builder = uuid::Builder::from_u128(u128::from_ne_bytes(bytes));
    builder.with_variant(Variant::RFC4122).with_version(Version::Random).into_uuid()
}
