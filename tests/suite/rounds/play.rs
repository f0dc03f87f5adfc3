//! Plays a schedule, and judges it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use history::users::Input;
use history::{ClientId, OperationId, Outcome};
use protocol::id::GatewayBoot;
use service::events::{Event, GatewayFact};
use sim::checks::{Checks, End};
use sim::model::Model;
use sim::plan::Plan;
use sim::plan::fault::{Fault, PlannedFault};
use sim::plan::host::Host;
use sim::plan::kind::FaultKind;
use sim::plan::swarm::Core;
use sim::report::Failure;
use sim::seen::{Answered, ClientDid, Moment, Seen};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::is_paced;
use super::world::{Processes, is_spare};
use crate::harness::audit::try_audits;
use crate::harness::cluster::Cluster;
use crate::harness::load::{FinishedCall, Load, LoadPlan};

const LOAD: LoadPlan = LoadPlan { clients: 12, users: 60, requests_per_second: 200 };

/// How long the recovery of the whole ring may take.
const RECOVERY: Duration = Duration::from_secs(60);

const TICK: Duration = Duration::from_millis(5);

/// The counts of the rounds played.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) rounds: usize,
    pub(super) faults: BTreeMap<FaultKind, usize>,
    pub(super) done: usize,
    pub(super) not_done: usize,
    pub(super) unknown: usize,
    /// Reads in schedules whose faults come one at a time.
    pub(super) paced_reads: usize,
    pub(super) paced_read_max: Duration,
}

impl Played {
    pub(super) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        for (kind, count) in &other.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
        self.done += other.done;
        self.not_done += other.not_done;
        self.unknown += other.unknown;
        self.paced_reads += other.paced_reads;
        self.paced_read_max = self.paced_read_max.max(other.paced_read_max);
    }
}

/// Plays the first faults of a schedule. Panics if something goes wrong.
pub(super) async fn play(plan: &Plan, rounds: usize) -> Played {
    let mut cluster = Cluster::new(plan.swarm.nodes).with_ways().await;
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let load = Load::start(&LOAD, &cluster.url(), &cluster.ring);
    let mut world = Processes::new(cluster);
    let mut played = Played::default();
    make_trouble(plan, rounds, &mut world, &mut played).await;
    world.heal().await;
    let recovered = world.cluster.healthy_within(RECOVERY).await;
    println!("all was back {recovered:?} after the faults ended");
    let (seen, recorder) = load.stop().await;
    let status = world.cluster.status().await.expect("the gateway answers");
    world.cluster.stop_all().await;

    let mut model = Model::new(world.cluster.ring.clone());
    for view in status.partitions.iter().filter_map(|partition| partition.view) {
        let (gateway, event) = (GatewayBoot(Uuid::nil()), GatewayFact::Publishes(view));
        model.follow(Moment::default(), &Seen::Inside(Event::Gateway { gateway, event }));
    }
    let mut checks = Checks::from_outside();
    for (number, seen) in seen.iter().enumerate() {
        count(plan, &mut played, seen);
        let judged = checks.see(&model, Moment(seen.took), &answered(number, seen));
        judged.unwrap_or_else(|violation| panic!("{}", Failure::from(violation)));
    }
    let audits = try_audits(&world.cluster).into_iter().enumerate().collect();
    let end = End { core: Some(Core::All), audits, history: recorder.history() };
    let judged = checks.finish(&model, Moment::default(), &end);
    judged.unwrap_or_else(|violation| panic!("{}", Failure::from(violation)));
    played
}

/// Begins one fault after the other, at the times of the schedule. A fault begins later if the
/// pace of the schedule, or the limits of the design, make it wait.
async fn make_trouble(plan: &Plan, rounds: usize, world: &mut Processes, played: &mut Played) {
    let mut faults = plan.faults.iter().take(rounds).cloned().collect::<VecDeque<_>>();
    // The cluster is formed, so the schedule's time for forming it is skipped.
    let skipped = faults.front().map_or(0, |first| first.at_ms);
    let began = Instant::now();
    while let Some(PlannedFault { at_ms, for_ms, fault }) = faults.pop_front() {
        let due = began + Duration::from_millis(at_ms - skipped);
        let needs_calm = is_paced(plan) || matches!(fault, Fault::LostData(_));
        while Instant::now() < due || (needs_calm && !world.is_calm()) {
            sleep(TICK).await;
            world.step().await;
        }
        if needs_calm {
            world.cluster.healthy_within(RECOVERY).await;
        }
        if let Fault::LostData(Host::Node(place)) = fault {
            let status = world.cluster.status().await.expect("the gateway answers");
            assert!(is_spare(&status, place), "it is healthy");
        }
        println!("round {}: {fault:?} for {for_ms} ms", played.rounds + 1);
        world.begin(&fault, for_ms);
        played.rounds += 1;
        *played.faults.entry(fault.kind()).or_default() += 1;
    }
    while !world.is_calm() {
        sleep(TICK).await;
        world.step().await;
    }
}

fn count(plan: &Plan, played: &mut Played, seen: &FinishedCall) {
    match seen.ended.outcome {
        Outcome::Done(_) => played.done += 1,
        Outcome::NotDone => played.not_done += 1,
        Outcome::Unknown => played.unknown += 1,
    }
    if is_paced(plan) && matches!(seen.input, Input::Read { .. }) {
        let problem = &seen.ended.problem;
        assert!(problem.is_none(), "a read failed after {:?}: {problem:?}", seen.took);
        played.paced_reads += 1;
        played.paced_read_max = played.paced_read_max.max(seen.took);
    }
}

/// A client's call, in the form for the simulation's checks.
fn answered(number: usize, seen: &FinishedCall) -> Seen {
    let answered = Answered {
        input: seen.input.clone(),
        outcome: seen.ended.outcome.clone(),
        status: seen.ended.status.map(|status| status.as_u16()),
        served_by: None,
        has_retry_after: seen.ended.has_retry_after,
        took: seen.took,
        problem: seen.ended.problem.clone(),
    };
    let (client, operation) = (ClientId(0), OperationId(number as u64));
    Seen::Client { client, operation, did: ClientDid::Completed(answered) }
}
