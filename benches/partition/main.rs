//! `cargo bench --bench partition`: the requests per second of a partition's two copies, beside
//! those of the RocksDBs underneath.
//!
//! Updates go through real nodes, links and logs. An update counts when it is durable in both
//! copies. Meanwhile the bench records all writes and syncs of the two storages. Then it
//! repeats them on two copies of the data, side by side and with no other work. The ratio shows
//! the share of the disk's and RocksDB's limit. Reads at next are compared with gets of the
//! same keys.
//!
//! The bench has a harness of its own: its result is the ratio of two measurements in turn.

#![allow(clippy::print_stdout, reason = "talking to people is what this is for")]

mod gateway;
mod pair;
mod recording;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use db_process::storage::rocks::{RocksSettings, RocksStorage};
use db_process::storage::{StorageReader, Table};
use protocol::message::Action;
use protocol::precondition::Precondition;
use protocol::user::{User, UserId};
use tempfile::TempDir;
use tokio::time::Instant;

use self::pair::Pair;
use self::recording::{Step, records_of, replay};

/// Measures the two copies of a partition beside the RocksDBs underneath
#[derive(Debug, Parser)]
struct Args {
    /// The number of users in the partition
    #[arg(long, value_name = "USERS", value_delimiter = ',', default_value = "1000,100000")]
    users: Vec<u32>,

    /// The size of a user's name in bytes, at most 256
    #[arg(long, value_name = "BYTES", value_delimiter = ',', default_value = "20,256")]
    name_bytes: Vec<usize>,

    /// The number of requests under way
    #[arg(long, value_name = "REQUESTS", value_delimiter = ',', default_value = "16,64,256")]
    under_way: Vec<usize>,

    /// The number of pairs of measurements, the two of a pair in turn
    #[arg(long, value_name = "PAIRS", default_value_t = 5)]
    pairs: u32,

    /// The number of requests in each measurement
    #[arg(long, value_name = "REQUESTS", default_value_t = 10_000)]
    requests: u32,

    /// Directory for the data during the measurements
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,

    /// `cargo bench` passes this
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    println!(
        "| operation | users | bytes of a name | under way | pair/s | RocksDB/s | ratio (least, most) | updates a sync |"
    );
    println!("|---|---:|---:|---:|---:|---:|---|---:|");
    for users in &args.users {
        for name_bytes in &args.name_bytes {
            measure(&args, *users, *name_bytes).await?;
        }
    }
    Ok(())
}

/// Four directories: those of the two nodes, and copies of them for RocksDB alone.
struct Directories {
    _all: TempDir,
    pair: [PathBuf; 2],
    alone: [PathBuf; 2],
}

impl Directories {
    fn make(disk: &Path) -> anyhow::Result<Self> {
        let all = TempDir::with_prefix_in("bench-partition-", disk)
            .with_context(|| format!("{} cannot be used", disk.display()))?;
        let name = |name: &str| all.path().join(name);
        let pair = [name("home"), name("next")];
        let alone = [name("home-alone"), name("next-alone")];
        Ok(Self { _all: all, pair, alone })
    }
}

async fn measure(args: &Args, users: u32, name_bytes: usize) -> anyhow::Result<()> {
    let directories = Directories::make(&args.disk)?;
    let [home, next] = &directories.pair;
    let mut pair = Pair::start(home, next).await?;
    pair.update((0..users).map(|number| create(number, name_bytes)), 1024).await?;
    pair.stop().await?;
    for (from, to) in directories.pair.iter().zip(&directories.alone) {
        copy_directory(from, to)?;
    }

    let mut pair = Pair::start(home, next).await?;
    let alone = directories.alone.each_ref();
    let open = |path: &PathBuf| RocksStorage::open(path, &RocksSettings::default());
    let alone = [open(alone[0])?, open(alone[1])?];
    let mut changes = 0;
    for under_way in &args.under_way {
        let mut rates = Vec::new();
        let mut syncs = 0;
        for _ in 0..args.pairs {
            pair.home.take();
            pair.next.take();
            changes += 1;
            let numbers = scattered(args.requests, users);
            let actions = numbers.map(|number| change(number, changes, name_bytes));
            let by_pair = pair.update(actions, *under_way).await?;
            let steps = [pair.home.take(), pair.next.take()];
            syncs += steps[0].iter().filter(|step| matches!(step, Step::Sync)).count();
            let by_rocksdb = side_by_side(&alone, &steps)?;
            rates.push((by_pair, by_rocksdb));
        }
        let per_sync = f64::from(args.requests * args.pairs) / syncs.max(1) as f64;
        let measured = Measured { operation: "updates", users, name_bytes, under_way: *under_way };
        line(&measured, args.requests, &rates, &format!("{per_sync:.1}"));
    }
    let keys = keys_at_next(&mut pair, args.requests, users, name_bytes).await?;
    for under_way in &args.under_way {
        let mut rates = Vec::new();
        for _ in 0..args.pairs {
            let ids = scattered(args.requests, users).map(user_id);
            let by_pair = pair.read(ids, *under_way).await?;
            let begin = Instant::now();
            for key in &keys {
                alone[1].get(Table::Records, key)?.context("a record is gone")?;
            }
            rates.push((by_pair, begin.elapsed()));
        }
        let measured = Measured { operation: "reads", users, name_bytes, under_way: *under_way };
        line(&measured, args.requests, &rates, "");
    }
    pair.stop().await
}

/// The keys of the read users' records in the storage of next.
async fn keys_at_next(
    pair: &mut Pair,
    requests: u32,
    users: u32,
    name_bytes: usize,
) -> anyhow::Result<Vec<bytes::Bytes>> {
    pair.next.take();
    let numbers = scattered(requests, users);
    pair.update(numbers.map(|number| change(number, u32::MAX, name_bytes)), 256).await?;
    Ok(records_of(&pair.next.take()))
}

/// Repeats the steps of both storages on two other storages, at the same time.
fn side_by_side(alone: &[RocksStorage; 2], steps: &[Vec<Step>; 2]) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let replays = alone
            .iter()
            .zip(steps)
            .map(|(storage, steps)| scope.spawn(move || replay(storage, steps)));
        let replays = replays.collect::<Vec<_>>();
        replays.into_iter().try_for_each(|replay| {
            replay.join().map_err(|_| anyhow::anyhow!("a replay panicked"))?.map_err(Into::into)
        })
    })
    .map(|()| begin.elapsed())
}

/// `count` numbers of users, spread over all users.
fn scattered(count: u32, users: u32) -> impl Iterator<Item = u32> {
    const STRIDE: u64 = 7_919;
    (0..u64::from(count)).map(move |at| (at * STRIDE % u64::from(users)) as u32)
}

fn user_id(number: u32) -> UserId {
    benches::id(number.into()).parse().unwrap_or_else(|_| unreachable!("it is an id"))
}

fn user(number: u32, change: u32, name_bytes: usize) -> User {
    let json = benches::record(number.into(), &format!("{change:0name_bytes$}"));
    User::from_json(json.as_bytes()).unwrap_or_else(|error| unreachable!("it is a record: {error}"))
}

fn create(number: u32, name_bytes: usize) -> Action {
    Action::Create { user: user(number, 0, name_bytes), precondition: Precondition::NONE }
}

/// A change of all fields.
fn change(number: u32, change: u32, name_bytes: usize) -> Action {
    let User { id, name, email, group } = user(number, change, name_bytes);
    let patch =
        protocol::user::UserPatch { id, name: Some(name), email: Some(email), group: Some(group) };
    Action::Change { patch, precondition: Precondition::NONE }
}

fn copy_directory(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The first columns of the table.
struct Measured {
    operation: &'static str,
    users: u32,
    name_bytes: usize,
    under_way: usize,
}

/// Prints a line of the table, with medians: the ratio is the median of the ratios too.
fn line(
    Measured { operation, users, name_bytes, under_way }: &Measured,
    requests: u32,
    rates: &[(Duration, Duration)],
    per_sync: &str,
) {
    let per_second = |time: Duration| f64::from(requests) / time.as_secs_f64();
    let median = |values: &mut dyn Iterator<Item = f64>| {
        let mut values = values.collect::<Vec<_>>();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        (at(0.0), at(0.5), at(1.0))
    };
    let (_, pair, _) = median(&mut rates.iter().map(|(pair, _)| per_second(*pair)));
    let (_, rocksdb, _) = median(&mut rates.iter().map(|(_, rocksdb)| per_second(*rocksdb)));
    let (least, ratio, most) =
        median(&mut rates.iter().map(|(pair, rocksdb)| rocksdb.as_secs_f64() / pair.as_secs_f64()));
    println!(
        "| {operation} | {users} | {name_bytes} | {under_way} | {pair:.0} | {rocksdb:.0} | **{ratio:.2}** ({least:.2}, {most:.2}) | {per_sync} |"
    );
}
