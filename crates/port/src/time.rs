//! Times that a setting may name.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time of a setting, here and in whatever uses this crate. With it, no sum of times
/// leaves what a clock can tell.
pub const TIME_MAX: Duration = Duration::from_secs(3_600);

/// The moment `time` after `since`. A setting names `time`, and was checked against [`TIME_MAX`].
#[expect(
    clippy::arithmetic_side_effects,
    reason = "no setting is above `TIME_MAX`, and no clock ends within hours"
)]
pub fn due_after(since: Instant, time: Duration) -> Instant {
    since + time
}
