//! The settings of a node.

use std::time::Duration;

/// The settings of a node. No rule depends on them: they say when to try, and how much to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// How long home goes without a session with next before it tells the gateway.
    pub patience: Duration,
    /// How long an append may take to become durable at next. After that, home treats next as
    /// broken.
    pub append_deadline: Duration,
    /// How long a donor holds its commits back for a joiner before it goes on alone. The donor
    /// waits longer if three syncs of the joiner take longer.
    pub hold_max: Duration,
    /// How often the node reports the progress of its copies to the gateway.
    pub progress_interval: Duration,
    /// How many entries a copy keeps in its log although the other copy has them or is out of
    /// sync.
    pub log_entries_kept: u64,
    /// The size of these entries, in bytes, approximately.
    pub log_bytes_kept: usize,
    /// The most bytes sent to the other copy but not yet durable there. This is flow control,
    /// and it limits the backlog of a slow receiver.
    pub window_bytes: usize,
    /// The most rows of storage in one part of a snapshot or in one stretch of a comparison. A
    /// part or stretch may contain as many uncommitted rows in addition.
    pub rows_max: usize,
    /// How long the disk may take to return a sync. After that, the node ends.
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
