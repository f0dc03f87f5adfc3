//! A campaign: attacks of every kind on every route, again and again until the time is over.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attack::carry_out;
use super::kinds::KINDS;
use super::random::Draw;
use super::routes::{Port, Route};
use super::script::{Script, Step};
use crate::harness::address;
use crate::harness::cluster::Cluster;

/// How many attacks are under way at a time.
const ATTACKERS: usize = 32;

/// The campaign ends after this many faults.
const FAULTS_MAX: usize = 10;

/// How many bytes of a faulty request are shown.
const SHOWN_BYTES: usize = 600;

/// The targets and the result of the attacks.
pub(super) struct Campaign {
    seed: u64,
    routes: Vec<Route>,
    from: Ipv4Addr,
    rest: std::net::SocketAddr,
    links: std::net::SocketAddr,
    /// The number of the next attack.
    next: AtomicU64,
    /// How many attacks of each kind on each route were carried out: by kind, then by route.
    counts: Vec<AtomicU64>,
    statuses: Mutex<BTreeMap<u16, u64>>,
    faults: Mutex<Vec<String>>,
}

impl Campaign {
    pub(super) fn new(seed: u64, routes: Vec<Route>, cluster: &Cluster) -> Arc<Self> {
        let counts = (0..KINDS.len() * routes.len()).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self {
            seed,
            routes,
            from: address::fresh(),
            rest: cluster.rest_address(),
            links: cluster.socket_address().parse().expect("an address"),
            next: AtomicU64::new(0),
            counts,
            statuses: Mutex::default(),
            faults: Mutex::default(),
        })
    }

    /// Attacks until the time is over, or until there are too many faults.
    pub(super) async fn run(self: &Arc<Self>, time: Duration) {
        let until = Instant::now() + time;
        let mut attackers = JoinSet::new();
        for _ in 0..ATTACKERS {
            let campaign = Arc::clone(self);
            attackers.spawn(async move {
                while Instant::now() < until && campaign.faults().len() < FAULTS_MAX {
                    let number = campaign.next.fetch_add(1, Ordering::Relaxed);
                    campaign.attack(number).await;
                }
            });
        }
        attackers.join_all().await;
    }

    /// Carries out one attack. Its number and the seed decide it.
    pub(super) async fn attack(&self, number: u64) {
        let pairs = self.counts.len();
        let (round, place) = (number / pairs as u64, number % pairs as u64);
        // Each round has all pairs of a kind and a route, in an order of its own.
        let pair = Draw::of(self.seed, u64::MAX - round).order(pairs)[place as usize];
        let (kind, route) =
            (KINDS[pair / self.routes.len()], &self.routes[pair % self.routes.len()]);
        let script = kind.script(route, &mut Draw::of(self.seed, number));
        let to = match route.port {
            Port::Rest => self.rest,
            Port::Links => self.links,
        };
        match carry_out(&script, route.port, self.from, to).await {
            Ok(statuses) => {
                let mut counted = self.statuses.lock().expect("no panic");
                for status in statuses {
                    *counted.entry(status.as_u16()).or_default() += 1;
                }
            }
            Err(what) => self.faults.lock().expect("no panic").push(format!(
                "attack {number} of seed {}, {:?} on {}: {what}\n  {}",
                self.seed,
                kind.name,
                route.name(),
                shown(&script),
            )),
        }
        self.counts[pair].fetch_add(1, Ordering::Relaxed);
    }

    /// The faults so far.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().expect("no panic").clone()
    }

    /// The number of attacks carried out.
    pub(super) fn attacks(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The pairs of a kind and a route that were never tried.
    pub(super) fn untried(&self) -> Vec<String> {
        let name = |pair: usize| {
            let (kind, route) = (pair / self.routes.len(), pair % self.routes.len());
            format!("{} on {}", KINDS[kind].name, self.routes[route].name())
        };
        let counts = self.counts.iter().enumerate();
        let untried = counts.filter(|(_, count)| count.load(Ordering::Relaxed) == 0);
        untried.map(|(pair, _)| name(pair)).collect()
    }

    /// A table with a line for each kind and a column for each route.
    pub(super) fn table(&self) -> String {
        let mut lines = Vec::new();
        for (number, route) in self.routes.iter().enumerate() {
            let port = if route.port == Port::Links { " at the port of links" } else { "" };
            lines.push(format!("route {number}: {}{port}", route.name()));
        }
        let columns = (0..self.routes.len()).map(|number| format!("{number:>6}"));
        lines.push(format!("{:<18}{}", "kind", columns.collect::<String>()));
        for (kind, counts) in KINDS.iter().zip(self.counts.chunks(self.routes.len())) {
            let counts = counts.iter().map(|count| format!("{:>6}", count.load(Ordering::Relaxed)));
            lines.push(format!("{:<18}{}", kind.name, counts.collect::<String>()));
        }
        let statuses = self.statuses.lock().expect("no panic");
        let statuses = statuses.iter().map(|(status, count)| format!("{status}: {count}"));
        lines.push(format!("answers by status: {}", statuses.collect::<Vec<_>>().join(", ")));
        lines.join("\n")
    }
}

/// The steps of a script, with the beginning of their bytes, for the messages of a test.
fn shown(script: &Script) -> String {
    let show = |bytes: &[u8]| {
        let text = bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii().to_string();
        format!("{} bytes {text}", bytes.len())
    };
    let steps = script.steps.iter().map(|step| match step {
        Step::Write(bytes) => format!("writes {}", show(bytes)),
        Step::Drip(bytes) => format!("writes slowly {}", show(bytes)),
        other => format!("{other:?}"),
    });
    steps.collect::<Vec<_>>().join("\n  ")
}
