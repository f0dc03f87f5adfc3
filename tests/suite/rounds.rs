//! Rounds: schedules of the simulation, drawn from seeds, are carried out on real processes
//! under load. The checks of the simulation judge them. A round is one fault.
//!
//! `make rounds` plays any number of them; this test is a short version. It plays those faults
//! of the simulation that are possible with processes: kills and restarts, SIGSTOP and SIGCONT,
//! cuts and slow networks (by proxies in between), deleted data directories. A failed schedule
//! is left in a file; `ROUNDS_SCHEDULE` plays it again.

mod play;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use sim::plan::kind::FaultKind;
use sim::plan::swarm::Pace;
use sim::plan::{Options, Plan, StorageKind};

use self::play::{Played, play};
use crate::kills::MACHINE;

/// The number of rounds, unless `ROUNDS` is set.
const ROUNDS: usize = 8;

/// How many rounds of a schedule are played on one cluster.
const ROUNDS_PER_SEED: usize = 12;

const KINDS: [FaultKind; 11] = [
    FaultKind::Kill,
    FaultKind::Stop,
    FaultKind::CrashLoop,
    FaultKind::LostData,
    FaultKind::Pause,
    FaultKind::Slow,
    FaultKind::Cut,
    FaultKind::CutOneWay,
    FaultKind::Flap,
    FaultKind::Hold,
    FaultKind::GatewayCrash,
];

#[tokio::test(flavor = "multi_thread")]
async fn schedules_of_the_simulation_find_nothing_wrong_with_real_processes() {
    let _machine = MACHINE.lock().await;
    if let Some(path) = std::env::var_os("ROUNDS_SCHEDULE") {
        let json = std::fs::read_to_string(&path).expect("the schedule can be read");
        let plan = Plan::from_json(&json).expect("a schedule");
        return report(&played(&plan, usize::MAX).await, Duration::ZERO);
    }
    let wanted = number("ROUNDS").unwrap_or(ROUNDS);
    let first_seed = number("ROUNDS_SEED").unwrap_or(1) as u64;
    let began = tokio::time::Instant::now();
    let mut total = Played::default();
    for seed in first_seed.. {
        let left = wanted.saturating_sub(total.rounds);
        if left == 0 {
            break;
        }
        total.add(&played(&plan(seed), left.min(ROUNDS_PER_SEED)).await);
        report(&total, began.elapsed());
    }
}

/// A schedule of the simulation, on a ring small enough for a small machine: at most 4 nodes.
/// Where faults come one at a time, no read may fail.
fn plan(seed: u64) -> Plan {
    let options =
        Options { storage: StorageKind::Rocksdb, kinds: KINDS.to_vec(), ..Options::default() };
    let mut plan = Plan::draw(seed, &options);
    plan.swarm.nodes = plan.swarm.nodes.min(4);
    plan.faults.retain(|planned| {
        planned.fault.hosts().iter().all(|host| match host {
            sim::plan::host::Host::Node(place) => *place < plan.swarm.nodes,
            _ => true,
        })
    });
    plan
}

async fn played(plan: &Plan, rounds: usize) -> Played {
    let path = schedule_of(plan);
    std::fs::write(&path, plan.to_json()).expect("the directory is writable");
    println!("seed {}: {:?}, {} nodes", plan.seed, plan.swarm.pace, plan.swarm.nodes);
    println!("if this fails: ROUNDS_SCHEDULE={} make rounds", path.display());
    let played = play(plan, rounds).await;
    std::fs::remove_file(&path).expect("it was written");
    played
}

/// The file of the schedule while it is played. The file stays if the schedule fails.
fn schedule_of(plan: &Plan) -> PathBuf {
    std::env::temp_dir().join(format!("chainring-rounds-{}.json", plan.seed))
}

fn number(name: &str) -> Option<usize> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}

fn report(played: &Played, took: Duration) {
    let faults = played.faults.iter().map(|(kind, count)| format!("{} {count}", kind.name()));
    println!(
        "{} rounds in {took:.0?}: {} requests, {} done, {} certainly not done, {} unknown; one fault at a time: {} reads, \
         the longest waited {:?}",
        played.rounds,
        played.done + played.not_done + played.unknown,
        played.done,
        played.not_done,
        played.unknown,
        played.paced_reads,
        played.paced_read_max,
    );
    println!("{}", faults.collect::<Vec<_>>().join(", "));
}

/// Whether faults come one at a time, so that no read may fail.
fn is_paced(plan: &Plan) -> bool {
    plan.swarm.pace == Pace::OneAtATime
}
