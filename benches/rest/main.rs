//! `make bench-rest`: the performance of a ring over REST, beside a bare axum server and beside
//! etcd.
//!
//! Two subjects are measured in turn, in pairs, under the same load. The result is the median
//! of the pairs' ratios, because the machine is seldom idle otherwise. There is no threshold
//! here: people judge the table.

#![allow(clippy::print_stdout, reason = "talking to people is what this is for")]

mod flame;
mod load;
mod machine;
mod overload;
mod records;
mod server;
mod subject;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use self::load::Load;
use self::overload::{Fates, Overload};
use self::records::Workload;
use self::subject::{Measured, Subject};
use self::table::{OverloadRow, Row};

/// Measures rings over REST, beside a bare axum server and peers
#[derive(Debug, Parser)]
struct Args {
    /// The number of pairs of measurements, the two of a pair in turn
    #[arg(long, value_name = "PAIRS", default_value_t = 10)]
    pairs: u32,

    /// The duration of each measurement, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u64,

    /// The number of open connections of the load
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 64)]
    connections: u32,

    /// The number of users
    #[arg(long, value_name = "USERS", default_value_t = 100_000)]
    users: u32,

    /// The sizes of the rings, in nodes
    #[arg(long, value_name = "NODES", value_delimiter = ',', default_value = "2,3,5")]
    rings: Vec<u16>,

    /// The workloads of the clients
    #[arg(
        long,
        value_name = "WORKLOADS",
        value_delimiter = ',',
        default_value = "reads,updates,mixed"
    )]
    workloads: Vec<Workload>,

    /// A directory on a disk, for durable data
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,

    /// A directory in memory, to measure without the disk
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    memory: PathBuf,

    /// Draw flame graphs of the processes of each ring, into this directory
    #[arg(long, value_name = "DIR")]
    flames: Option<PathBuf>,

    /// Leave the peers out
    #[arg(long)]
    no_peers: bool,

    /// Instead compare the rings with those of the programs in this directory, such as an
    /// earlier release
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,

    /// Instead measure a ring of three under these multiples of its capacity
    #[arg(long, value_name = "TIMES", value_delimiter = ',')]
    overload: Vec<f64>,

    /// The number of connections for measuring the ring's capacity, under --overload
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 256)]
    capacity_connections: usize,

    /// The maximum number of requests under way, under --overload
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 4000)]
    overload_connections: usize,

    /// The number of clients that wait for their answers (this is no overload), under
    /// --overload
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 600)]
    waiting_connections: usize,

    /// A control group to limit the processor time of the ring under --overload, and so leave
    /// some for the load
    #[arg(long, value_name = "DIR")]
    cgroup: Option<PathBuf>,
}

/// Each subject has loopback addresses of its own.
const BARE: &str = "127.71.0.1";
const RING: &str = "127.71.0.2";
const PEER: &str = "127.71.0.3";

#[tokio::main]
async fn main() -> ExitCode {
    process::exit::code(run(Args::parse()).await)
}

async fn run(args: Args) -> anyhow::Result<()> {
    let bench = Bench {
        load: Load { connections: args.connections, time: Duration::from_secs(args.seconds) },
        pairs: args.pairs,
        workloads: args.workloads.clone(),
    };
    machine::describe(&args.disk, &args.memory).await;
    if !args.overload.is_empty() {
        return bench.overload(&args).await;
    }
    println!(
        "{} users; {} pairs of {} s each; wrk with 1 thread and {} connections.\n",
        args.users, args.pairs, args.seconds, args.connections
    );
    println!(
        "Threads: bare axum and etcd one for each core; the gateway one for each two; a node one for its links, one for its disk.\n"
    );
    table::begin();
    if let Some(programs) = &args.against {
        return bench.against(programs, &args).await;
    }
    let bare = Subject::bare(BARE).await?;
    bare.prepare(args.users)?;
    for nodes in &args.rings {
        let ring = Subject::ring(*nodes, RING, &args.disk).await?;
        ring.fill(args.users).await?;
        bench.compare(&ring, &bare, "disk").await?;
        if let Some(directory) = &args.flames {
            bench.draw(&ring, directory).await?;
        }
        ring.stop().await?;
    }
    bare.stop().await?;
    if !args.no_peers && machine::has("etcd").await {
        for (below, storage) in [(&args.disk, "disk"), (&args.memory, "tmpfs")] {
            let ring = Subject::ring(3, RING, below).await?;
            let etcd = Subject::etcd(PEER, below).await?;
            ring.fill(args.users).await?;
            etcd.fill(args.users).await?;
            bench.compare(&ring, &etcd, storage).await?;
            ring.stop().await?;
            etcd.stop().await?;
        }
    }
    Ok(())
}

/// The settings of the measurements.
struct Bench {
    load: Load,
    pairs: u32,
    workloads: Vec<Workload>,
}

impl Bench {
    /// Compares rings of two releases. Each pair has new rings: the place of a process in
    /// memory makes it some hundredths slower or faster, for its whole life. The releases take
    /// turns to start first, and to be filled and measured first.
    async fn against(&self, programs: &Path, args: &Args) -> anyhow::Result<()> {
        for nodes in &args.rings {
            let mut measured = self.workloads.iter().map(|_| Vec::new()).collect::<Vec<_>>();
            for pair in 0..self.pairs {
                let filled = async |programs: &Path, address| {
                    let ring = Subject::ring_of(programs, *nodes, address, &args.disk).await?;
                    ring.fill(args.users).await?;
                    anyhow::Ok(ring)
                };
                let own = subject::own_programs()?;
                let (ours, theirs) = if is_left_first(pair) {
                    let ours = filled(&own, RING).await?;
                    (ours, filled(programs, PEER).await?)
                } else {
                    let theirs = filled(programs, PEER).await?;
                    (filled(&own, RING).await?, theirs)
                };
                for (workload, measured) in self.workloads.iter().zip(&mut measured) {
                    measured.push(self.pair(&ours, &theirs, *workload, pair).await?);
                }
                ours.stop().await?;
                theirs.stop().await?;
            }
            let left = format!("ring of {nodes}");
            let right = format!("{left} of {}", programs.display());
            for (workload, pairs) in self.workloads.iter().zip(&measured) {
                let (workload, storage) = (workload.name(), "disk");
                table::add(&Row { workload, storage, left: &left, right: &right, pairs });
            }
        }
        Ok(())
    }

    async fn compare(
        &self,
        left: &Subject,
        right: &Subject,
        storage: &'static str,
    ) -> anyhow::Result<()> {
        for workload in &self.workloads {
            let mut pairs = Vec::new();
            for pair in 0..self.pairs {
                pairs.push(self.pair(left, right, *workload, pair).await?);
            }
            let (workload, left, right) = (workload.name(), &left.name, &right.name);
            table::add(&Row { workload, storage, left, right, pairs: &pairs });
        }
        Ok(())
    }

    /// Measures two subjects one after the other. They take turns to be first.
    async fn pair(
        &self,
        left: &Subject,
        right: &Subject,
        workload: Workload,
        number: u32,
    ) -> anyhow::Result<(Measured, Measured)> {
        if is_left_first(number) {
            let left = left.measure(&self.load, workload).await?;
            Ok((left, right.measure(&self.load, workload).await?))
        } else {
            let right = right.measure(&self.load, workload).await?;
            Ok((left.measure(&self.load, workload).await?, right))
        }
    }

    /// Measures a ring under more requests than its capacity, just after that, and with many
    /// waiting clients.
    async fn overload(&self, args: &Args) -> anyhow::Result<()> {
        let most = args.overload_connections.max(args.waiting_connections);
        service::descriptors::allow(most)?;
        let ring = Subject::ring(3, RING, &args.disk).await?;
        ring.fill(args.users).await?;
        if let Some(cgroup) = &args.cgroup {
            ring.join(cgroup)?;
        }
        table::begin_overload();
        let time = self.load.time;
        // Each connection sends a request as soon as it has the previous answer.
        let waiting = |connections| Overload { per_second: 1e6, connections, time };
        for workload in &self.workloads {
            let saturated = waiting(args.capacity_connections);
            let saturated = ring.overload(&saturated, *workload).await?;
            let capacity = saturated.done_us.len() as f64 / time.as_secs_f64();
            let row = |load: &str, due: Option<f64>, fates: &Fates| {
                let usage = ring.usage()?;
                table::add_overload(&OverloadRow {
                    workload: workload.name(),
                    load,
                    due,
                    capacity,
                    time,
                    fates,
                    usage: &usage,
                });
                anyhow::Ok(())
            };
            row(&format!("{} clients that wait", args.capacity_connections), None, &saturated)?;
            let clients = args.waiting_connections;
            let fates = ring.overload(&waiting(clients), *workload).await?;
            row(&format!("{clients} clients that wait"), None, &fates)?;
            let times = args.overload.iter().map(|times| (*times, format!("{times} × capacity")));
            let after = (0.5, "0.5 × capacity, just after".to_owned());
            for (times, load) in times.chain([after]) {
                let overload = Overload {
                    per_second: capacity * times,
                    connections: args.overload_connections,
                    time,
                };
                let fates = ring.overload(&overload, *workload).await?;
                row(&load, Some(overload.per_second), &fates)?;
            }
        }
        ring.stop().await
    }

    /// Draws a flame graph of each role under each workload.
    async fn draw(&self, subject: &Subject, directory: &Path) -> anyhow::Result<()> {
        for workload in &self.workloads {
            let loaded = subject.measure(&self.load, *workload);
            let drawn = subject.draw(self.load.time, *workload, directory);
            tokio::try_join!(loaded, drawn)?;
        }
        Ok(())
    }
}

/// Whether the left subject of a pair comes first.
fn is_left_first(pair: u32) -> bool {
    pair.is_multiple_of(2)
}
