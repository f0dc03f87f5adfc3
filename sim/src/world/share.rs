//! Shares of countable things.

/// A share of a number of things, rounded.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub(super) fn share(of: u64, kept: f64) -> u64 {
    (of as f64 * kept.clamp(0.0, 1.0)).round() as u64
}
