//! Swarm configuration: each seed has sizes, times and habits of its own, so seeds differ in
//! kind and not only in detail (Groce et al., *Swarm testing*, 2012).

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// The sizes, times and habits of a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// The number of nodes in the ring.
    pub nodes: usize,
    /// The number of clients.
    pub clients: usize,
    /// The number of users in the clients' operations.
    pub users: usize,
    /// The skew of the users: 1 is even, higher powers favour the first users.
    pub skew: f64,
    /// The share of reads among the operations, in percent.
    pub reads_percent: u32,
    /// The duration of the safety phase, with faults and clients, in milliseconds.
    pub safety_ms: u64,
    /// The pace of the faults.
    pub pace: Pace,
    /// The part healed at the beginning of the liveness phase.
    pub core: Core,
    /// The length of a tick of the simulation, in milliseconds.
    pub tick_ms: u64,
    /// The latency of a message.
    pub latency_ms: Span,
    /// The duration of a write to a node's storage.
    #[serde(default = "Span::nothing")]
    pub write_ms: Span,
    /// The writes that a sync covers.
    #[serde(default)]
    pub sync_covers: SyncCovers,
    /// Whether the clock of a machine leaps when it stands still.
    #[serde(default)]
    pub clocks_leap: bool,
    /// The duration of a sync of a node's storage.
    pub sync_ms: Span,
    /// The duration of a save of the controller's state.
    pub save_ms: Span,
    /// The duration of a read of a node's storage.
    #[serde(default = "Span::nothing")]
    pub read_ms: Span,
    /// The share of records that are not at hand and have to be read, in percent.
    #[serde(default)]
    pub cold_percent: u64,
    /// The node with a permanently slow disk, if there is one.
    #[serde(default)]
    pub slow_disk: Option<usize>,
    /// The seed of the latencies.
    pub latency_seed: u64,
    /// The time between two tests of a link, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// How long a test of a link may stay unanswered, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// How long a request may take, in milliseconds.
    pub request_deadline_ms: u64,
    /// How long the gateway goes on without missing nodes after its start, in milliseconds.
    pub grace_ms: u64,
    /// How many log entries are kept although the next node has them.
    pub log_entries_kept: u64,
    /// The number of rows in a part of a snapshot, and in a compared stretch.
    pub rows_max: usize,
    /// How many bytes may be under way from one copy to the other.
    pub window_bytes: usize,
    /// How many updates may be under way at a node. Further updates wait in the gateway.
    pub updates_of_node_max: usize,
    /// How many reads may be under way at a node. Further reads wait in the gateway.
    #[serde(default = "usual_reads_of_node_max")]
    pub reads_of_node_max: usize,
    /// How many segments of a stream may be under way in one direction.
    #[serde(default = "usual_tcp_segments")]
    pub tcp_segments: usize,
    /// How many bytes of a server's or a node's stream are in one segment, at most.
    #[serde(default = "usual_segment_bytes_max")]
    pub segment_bytes_max: usize,
    /// The size at which a frame of a link is full, in bytes.
    #[serde(default = "usual_frame_bytes_full")]
    pub frame_bytes_full: usize,
    /// How many bytes a link holds for a peer that reads too slowly.
    #[serde(default = "usual_queue_bytes_max")]
    pub queue_bytes_max: usize,
    /// How many bytes of log entries are kept although the next node has them.
    #[serde(default = "usual_log_bytes_kept")]
    pub log_bytes_kept: usize,
    /// How many letters make each name longer.
    #[serde(default)]
    pub name_padding: usize,
    /// The number of moments at which all operations begin; none if they are spread evenly.
    #[serde(default)]
    pub bursts: Option<u64>,
    /// How long a sync may take before its node ends, in milliseconds.
    #[serde(default = "usual_disk_deadline_ms")]
    pub disk_deadline_ms: u64,
}

const fn usual_disk_deadline_ms() -> u64 {
    20_000
}

pub(super) const fn usual_reads_of_node_max() -> usize {
    512
}

/// More than any link's queue.
pub(super) const fn usual_tcp_segments() -> usize {
    65_536
}

pub(super) const fn usual_segment_bytes_max() -> usize {
    usize::MAX
}

pub(super) const fn usual_frame_bytes_full() -> usize {
    1 << 20
}

pub(super) const fn usual_queue_bytes_max() -> usize {
    16 << 20
}

pub(super) const fn usual_log_bytes_kept() -> usize {
    64 << 20
}

/// A range of times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The least time, in milliseconds.
    pub min: u64,
    /// The longest time, in milliseconds.
    pub max: u64,
}

/// Whether clients may ask for more than nodes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overloads {
    /// More reads.
    pub reads: bool,
    /// More updates.
    pub updates: bool,
}

/// The writes that a sync covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncCovers {
    /// Those before its begin, as for a real disk.
    BeforeBegin,
    /// Those before its end, as in older schedules.
    #[default]
    BeforeEnd,
}

/// The pace of the faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// Faults begin at any time, several at once.
    Free,
    /// One node at a time: the next fault waits until every view is *both* and every copy is
    /// level. Then no read may fail.
    OneAtATime,
}

/// The part healed at the beginning of the liveness phase. The rest stays broken, but only if
/// each partition keeps a copy in sync; else everything is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// Everything.
    All,
    /// Everything but one node: it stays down.
    AllBut {
        /// Its place in the ring.
        node: usize,
    },
    /// Everything but the network between a node and its next node: it stays cut.
    AllButLinkAfter {
        /// The place of the first of the two in the ring.
        node: usize,
    },
}

impl Span {
    /// The range from `min` to `max`.
    pub const fn new(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// The range of no time at all.
    pub const fn nothing() -> Self {
        Self::new(0, 0)
    }

    /// Draws a time of the range.
    pub fn draw(self, random: &mut impl Rng) -> Duration {
        Duration::from_micros(random.random_range(self.min * 1000..=self.max * 1000))
    }
}

/// The duration of a sync on the one permanently slow disk.
const SLOW_SYNCS_MS: Span = Span::new(400, 900);

/// The least window with a permanently slow disk. A joiner takes two syncs for a window: the
/// one under way when its first entry arrives, and a sync of its own. In that time the load
/// writes some 60 entries a second of 110 bytes, 12 KiB in all. With a smaller window the
/// joiner would never catch up.
const SLOW_WINDOW_BYTES_MIN: usize = 32 << 10;

/// The least number of rows at a time, with a permanently slow disk or with equally slow reads.
/// Under load a snapshot advances by one message per sync of the donor, and this sync may take
/// 600 ms too. With one row a message, twenty users would take all the time that a joiner has.
/// And a comparison takes two reads for each stretch, so damage would be found too late.
const SLOW_ROWS_MIN: usize = 4;

/// The letters of a long name, each of three bytes: with its number it has fewer than 256.
const LONG_NAME: usize = 230;

/// A queue that a burst of long records may fill while their reader is away.
const SMALL_QUEUE_BYTES: usize = 128 << 10;

/// Reads that may take longer count as slow, in milliseconds.
const SLOW_READ_MS: u64 = 100;

/// One seed of this many has a permanently slow disk.
const SLOW_DISK_ONE_IN: u32 = 12;

/// A margin, added to the time in which the loss of a link is noticed.
const CALM_MARGIN: Duration = Duration::from_secs(1);

/// The duration of a read, from a good disk to one about to die.
const READS_MS: [Span; 4] =
    [Span::new(0, 1), Span::new(1, 20), Span::new(5, 100), Span::new(200, 800)];

/// The duration of a write: into the memory of the machine, or into a full one.
const WRITES_MS: [Span; 4] = [Span::nothing(), Span::new(0, 1), Span::new(0, 10), Span::new(5, 60)];

/// The duration of a sync: on a good disk, an ordinary one, a shared one, or one about to die.
const SYNCS_MS: [Span; 5] =
    [Span::new(0, 2), Span::new(1, 10), Span::new(1, 10), Span::new(5, 60), Span::new(20, 600)];

impl Swarm {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let nodes = pick(random, &[2, 2, 3, 3, 3, 4, 5, 5, 6, 7]);
        let (heartbeat_interval_ms, heartbeat_timeout_ms) =
            pick(random, &[(500, 1000), (250, 500), (500, 700), (1000, 1000)]);
        let sync_ms = pick(random, &SYNCS_MS);
        // On a slow disk an update takes a second, so more clients are needed for as many
        // operations.
        let clients = random.random_range(10..=16) + if sync_ms.max > 100 { 12 } else { 0 };
        let mut swarm = Self {
            nodes,
            clients,
            users: pick(random, &[3, 6, 12, 24, 48]),
            skew: pick(random, &[1.0, 1.0, 2.0, 4.0]),
            reads_percent: pick(random, &[20, 40, 50, 50, 70]),
            safety_ms: between(random, 30_000..=38_000),
            pace: if random.random_bool(0.2) { Pace::OneAtATime } else { Pace::Free },
            core: match random.random_range(0..10) {
                0 | 1 => Core::AllBut { node: random.random_range(0..nodes) },
                2 | 3 => Core::AllButLinkAfter { node: random.random_range(0..nodes) },
                _ => Core::All,
            },
            tick_ms: pick(random, &[5, 5, 10]),
            latency_ms: pick(random, &[Span::new(1, 5), Span::new(1, 20), Span::new(5, 60)]),
            sync_ms,
            save_ms: pick(random, &[Span::new(0, 2), Span::new(1, 10), Span::new(20, 150)]),
            latency_seed: random.random(),
            heartbeat_interval_ms,
            heartbeat_timeout_ms,
            request_deadline_ms: pick(random, &[4000, 5000, 6000]),
            grace_ms: pick(random, &[500, 1000, 2000]),
            log_entries_kept: pick(random, &[1, 8, 64, 10_000]),
            rows_max: pick(random, &[1, 4, 512]),
            window_bytes: pick(random, &[512, 8 << 10, 2 << 20]),
            updates_of_node_max: 0,
            reads_of_node_max: usual_reads_of_node_max(),
            tcp_segments: usual_tcp_segments(),
            segment_bytes_max: usual_segment_bytes_max(),
            frame_bytes_full: usual_frame_bytes_full(),
            queue_bytes_max: usual_queue_bytes_max(),
            log_bytes_kept: usual_log_bytes_kept(),
            name_padding: 0,
            bursts: None,
            write_ms: Span::nothing(),
            sync_covers: SyncCovers::BeforeBegin,
            clocks_leap: true,
            read_ms: Span::nothing(),
            cold_percent: 0,
            slow_disk: None,
            disk_deadline_ms: usual_disk_deadline_ms(),
        };
        // Drawn from a generator of its own, so that older seeds keep their schedules.
        let random = &mut StdRng::seed_from_u64(swarm.latency_seed);
        swarm.updates_of_node_max = pick(random, &[1, 3, 1_024, 1_024, 1_024]);
        swarm.read_ms = pick(random, &READS_MS);
        swarm.cold_percent = pick(random, &[0, 10, 50, 100]);
        let is_slow = random.random_ratio(1, SLOW_DISK_ONE_IN);
        swarm.slow_disk = is_slow.then(|| random.random_range(0..nodes));
        if is_slow {
            swarm.window_bytes = swarm.window_bytes.max(SLOW_WINDOW_BYTES_MIN);
        }
        if is_slow || swarm.read_ms.max > SLOW_READ_MS {
            swarm.rows_max = swarm.rows_max.max(SLOW_ROWS_MIN);
        }
        swarm.disk_deadline_ms = pick(random, &[3_000, 20_000, 20_000]);
        swarm.write_ms = pick(random, &WRITES_MS);
        swarm.draw_limits(random);
        swarm
    }

    /// Draws limits and loads. Most seeds have the usual ones of production, and never reach them.
    fn draw_limits(&mut self, random: &mut StdRng) {
        self.name_padding = pick(random, &[0, 0, 0, LONG_NAME]);
        self.bursts = pick(random, &[None, None, None, Some(3), Some(10)]);
        if self.bursts.is_some() {
            self.clients = pick(random, &[self.clients, 60, 150]);
            // A few readers with reads of half a second cannot serve a burst within its deadline.
            self.read_ms = if self.read_ms.max > SLOW_READ_MS { READS_MS[2] } else { self.read_ms };
            // The checker of histories tries the orders of all operations of a user at a time.
            self.users = self.users.max(self.clients / 4);
            self.skew = 1.0;
        }
        self.reads_of_node_max =
            pick(random, &[usual_reads_of_node_max(), usual_reads_of_node_max(), 2]);
        self.log_bytes_kept =
            pick(random, &[usual_log_bytes_kept(), usual_log_bytes_kept(), 2_000]);
        if random.random_ratio(1, 3) {
            // Every client may connect at the same time, and turmoil counts that as segments.
            self.tcp_segments = 4 * (self.clients + self.nodes) + 16;
            self.segment_bytes_max = pick(random, &[64, 1_000]);
        }
        if random.random_ratio(1, 4) {
            self.frame_bytes_full = pick(random, &[100, 1_000]);
            self.queue_bytes_max = SMALL_QUEUE_BYTES;
            // Otherwise a part of a snapshot, or a window of entries, would fill the queue.
            self.rows_max = self.rows_max.min(SLOW_ROWS_MIN);
            self.window_bytes = self.window_bytes.min(SLOW_WINDOW_BYTES_MIN);
        }
    }

    /// Whether clients may ask for more than nodes take.
    pub fn overloads(&self) -> Overloads {
        Overloads {
            reads: self.reads_of_node_max < self.clients,
            updates: self.updates_of_node_max < self.clients,
        }
    }

    /// How long a dead link may look alive, in milliseconds.
    pub fn detection_ms(&self) -> u64 {
        self.heartbeat_interval_ms + self.heartbeat_timeout_ms
    }

    /// How long a dead link may look alive, with a margin: a cut is noticed by then.
    pub fn calm(&self) -> Duration {
        Duration::from_millis(self.detection_ms()) + CALM_MARGIN
    }

    /// The duration of a sync on the node at this place.
    pub fn sync_ms_of(&self, place: usize) -> Span {
        if self.slow_disk == Some(place) { SLOW_SYNCS_MS } else { self.sync_ms }
    }
}

/// Picks one of a few choices.
pub(super) fn pick<T: Copy>(random: &mut impl Rng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

/// Draws a number of milliseconds.
pub(super) fn between(random: &mut impl Rng, range: RangeInclusive<u64>) -> u64 {
    random.random_range(range)
}
