//! Swarm configuration: each seed has sizes, times and habits of its own, so that seeds differ in kind and not just in
//! detail (Groce et al., *Swarm testing*, 2012).

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// The sizes, times and habits of a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// How many nodes the ring has.
    pub nodes: usize,
    /// How many clients there are.
    pub clients: usize,
    /// How many users they speak of.
    pub users: usize,
    /// How uneven the users are: 1 is even, higher powers favour the first ones.
    pub skew: f64,
    /// How many operations of a hundred are reads.
    pub reads_percent: u32,
    /// How long faults and clients go on, in milliseconds.
    pub safety_ms: u64,
    /// When faults follow each other.
    pub pace: Pace,
    /// What stays broken in the liveness phase.
    pub core: Core,
    /// The time from one look at all hosts to the next, in milliseconds.
    pub tick_ms: u64,
    /// The latency of a message.
    pub latency_ms: Span,
    /// How long a sync of a node's storage takes.
    pub sync_ms: Span,
    /// How long the controller takes to save its state.
    pub save_ms: Span,
    /// How long a read of a node's storage takes.
    #[serde(default = "Span::nothing")]
    pub read_ms: Span,
    /// How many records of a hundred are not at hand, so that they have to be read.
    #[serde(default)]
    pub cold_percent: u64,
    /// The node whose disk is slow for good.
    #[serde(default)]
    pub slow_disk: Option<usize>,
    /// Drawn from for latencies.
    pub latency_seed: u64,
    /// How often a link is tested, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// How long a test of a link may go unanswered, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// How long a request may take, in milliseconds.
    pub request_deadline_ms: u64,
    /// How long after its start the gateway goes on without missing nodes, in milliseconds.
    pub grace_ms: u64,
    /// How many entries of the log are kept although the next node has them.
    pub log_entries_kept: u64,
    /// How many rows a part of a snapshot has, and a stretch that is compared.
    pub rows_max: usize,
    /// How much may be under way from one copy to the other, in bytes.
    pub window_bytes: usize,
    /// How many updates may be under way at a node; more wait in the gateway.
    pub updates_of_node_max: usize,
    /// How long a sync may take until its node ends, in milliseconds.
    #[serde(default = "usual_disk_deadline_ms")]
    pub disk_deadline_ms: u64,
}

const fn usual_disk_deadline_ms() -> u64 {
    20_000
}

/// From the least to the most, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// When faults follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// At any time, several at once.
    Free,
    /// One node at a time: the next fault waits until every view is *both* and every copy level. Then no read may fail.
    OneAtATime,
}

/// What is healed when the liveness phase begins. What stays broken leaves each partition a copy in sync, else all is
/// healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// Everything.
    All,
    /// All but one node, which stays down.
    AllBut {
        /// Its place in the ring.
        node: usize,
    },
    /// All but the network between a node and the one after it, which stays cut.
    AllButLinkAfter {
        /// Its place in the ring.
        node: usize,
    },
}

impl Span {
    /// From `min` to `max`.
    pub const fn new(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// No time at all.
    pub const fn nothing() -> Self {
        Self::new(0, 0)
    }

    /// A time within.
    pub fn draw(self, random: &mut impl Rng) -> Duration {
        Duration::from_micros(random.random_range(self.min * 1000..=self.max * 1000))
    }
}

/// How long a sync takes on the one disk that is slow for good.
const SLOW_SYNCS_MS: Span = Span::new(400, 900);

/// The least window where there is such a disk. A joiner takes a window in two syncs: the one that is under way when the first
/// of it arrives, and its own. The load writes some 60 entries of 110 bytes a second, 12 KiB in that time: with a smaller
/// window the joiner would never catch up with it.
const SLOW_WINDOW_BYTES_MIN: usize = 32 << 10;

/// The least number of rows that go at a time there, and where reads are as slow. Under load a snapshot goes a message in a sync
/// of the donor, which may take 600 ms too: a row at a time, twenty users would take as long as a joiner may; and a comparison
/// takes two reads for each stretch, so damage would be found too late.
const SLOW_ROWS_MIN: usize = 4;

/// Reads that take longer are slow, in milliseconds.
const SLOW_READ_MS: u64 = 100;

/// One seed of so many has such a disk.
const SLOW_DISK_ONE_IN: u32 = 12;

/// How long a read takes: from a good disk, from one that is busy, from one that is about to die.
const READS_MS: [Span; 4] =
    [Span::new(0, 1), Span::new(1, 20), Span::new(5, 100), Span::new(200, 800)];

/// How long a sync takes: on a good disk, on an ordinary one, on one that is shared, on one that is about to die.
const SYNCS_MS: [Span; 5] =
    [Span::new(0, 2), Span::new(1, 10), Span::new(1, 10), Span::new(5, 60), Span::new(20, 600)];

impl Swarm {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let nodes = pick(random, &[2, 2, 3, 3, 3, 4, 5, 5, 6, 7]);
        let (heartbeat_interval_ms, heartbeat_timeout_ms) =
            pick(random, &[(500, 1000), (250, 500), (500, 700), (1000, 1000)]);
        let sync_ms = pick(random, &SYNCS_MS);
        // On a slow disk an update takes a second: it takes more clients to ask for as much.
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
            read_ms: Span::nothing(),
            cold_percent: 0,
            slow_disk: None,
            disk_deadline_ms: usual_disk_deadline_ms(),
        };
        // Drawn apart, so that seeds keep the schedules that they had before there was this.
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
        swarm
    }

    /// How long a sync takes of the storage of the node in this place.
    pub fn sync_ms_of(&self, place: usize) -> Span {
        if self.slow_disk == Some(place) { SLOW_SYNCS_MS } else { self.sync_ms }
    }
}

/// One of a few.
pub(super) fn pick<T: Copy>(random: &mut impl Rng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

/// A number of milliseconds.
pub(super) fn between(random: &mut impl Rng, range: RangeInclusive<u64>) -> u64 {
    random.random_range(range)
}
