//! The longest time of a setting, and its sum with a moment.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time of a setting, in this crate and its users. With this limit, no sum of times
/// exceeds the range of a clock.
pub const TIME_MAX: Duration = Duration::from_secs(3_600);

/// The moment `time` after `since`. `time` comes from a setting checked against [`TIME_MAX`].
#[expect(
    clippy::arithmetic_side_effects,
    reason = "no setting is above `TIME_MAX`, and no clock ends within hours"
)]
pub fn due_after(since: Instant, time: Duration) -> Instant {
    since + time
}
