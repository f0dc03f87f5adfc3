//! What can be set about a node.

use std::time::Duration;

/// What can be set about a node. No rule depends on these: they say when to try, and how much to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// How long home goes without a session with next before it tells the gateway.
    pub patience: Duration,
    /// How long an append may take to become durable at next before home takes next for broken.
    pub append_deadline: Duration,
    /// How long a donor holds its commits back for a joiner at most before it goes on alone; longer where three syncs of the
    /// joiner take longer.
    pub hold_max: Duration,
    /// How often the gateway is told how far the copies are.
    pub progress_interval: Duration,
    /// How many entries of a copy's log stay although the other copy has them, or is not in sync.
    pub log_entries_kept: u64,
    /// How many bytes of them, roughly.
    pub log_bytes_kept: usize,
    /// The most that is sent to the other copy and not made durable there, in bytes: flow control, and a bound on what a slow
    /// receiver piles up.
    pub window_bytes: usize,
    /// How many rows of storage a part of a snapshot has at most, and a stretch that is compared; and as many that are not
    /// committed.
    pub rows_max: usize,
    /// How long the disk may take until a sync returns: after that the node ends.
    pub disk_deadline: Duration,
    /// How long the comparison of both copies rests after each stretch.
    pub scrub_pause: Duration,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(300),
            append_deadline: Duration::from_millis(2500),
            hold_max: Duration::from_millis(500),
            progress_interval: Duration::from_millis(500),
            log_entries_kept: 200_000,
            log_bytes_kept: 64 << 20,
            window_bytes: 8 << 20,
            rows_max: 512,
            disk_deadline: Duration::from_secs(20),
            scrub_pause: Duration::from_secs(1),
        }
    }
}
