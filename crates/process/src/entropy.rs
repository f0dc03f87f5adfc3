//! Randomness: drawn from the operating system in production, from the seed in the simulation.

use uuid::Uuid;

/// The source of randomness.
pub trait Entropy: Send + Sync + 'static {
    /// A UUID never drawn before by anybody.
    fn uuid(&self) -> Uuid;

    /// A UUID never drawn before by anybody. It sorts after the earlier ones (version 7 of
    /// [RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)).
    fn uuid_in_order(&self) -> Uuid;

    /// A number from 0 to 1.
    fn fraction(&self) -> f64;
}

/// The randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

#[allow(clippy::disallowed_methods, reason = "the one place that draws from the operating system")]
impl Entropy for SystemEntropy {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn uuid_in_order(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn fraction(&self) -> f64 {
        let (bits, _) = Uuid::new_v4().as_u64_pair();
        f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
    }
}
