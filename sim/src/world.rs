//! The world: machines with production processes, the network between them, and the faults of
//! both.
//!
//! ```text
//!   clients --HTTP--> gateway <--socket.io-- db-0 --> db-1 --> ... --> db-0
//!      (hosts of turmoil; each process is dropped with its runtime when it dies)
//! ```
//!
//! The world carries out steps and lets time pass. It does not decide when a step is due: the
//! plan does. And it does not judge events: the checks do.
//!
//! | module | owns |
//! |---|---|
//! | `machine` | a machine with its production process |
//! | `config` | the configuration of the process |
//! | `deps` | sockets, randomness and threads for the process |
//! | `disk`, `rocks`, `share` | disks that outlive processes, and shares of their writes |
//! | `storage`, `state` | a process's access to its disk, with faults |
//! | `disk_calls` | when a write or a sync begins, and what it covers |
//! | `steps`, `agenda` | the steps of faults, and their times |
//! | `network` | cuts, holds and latencies |
//! | `segments` | streams that write a few bytes at a time |
//! | `undecodable` | requests that a node cannot decode |
//! | `clients` | clients over HTTP |

mod agenda;
mod clients;
mod config;
mod deps;
mod disk;
mod disk_calls;
mod machine;
mod network;
#[cfg(feature = "rocksdb")]
mod rocks;
mod segments;
mod share;
mod state;
mod steps;
mod storage;
mod undecodable;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use db_process::store::StoreError;
use db_process::store::audit::Audit;
use history::users::{Input, Output};
use history::{ClientId, Recorder};
use protocol::view::Member;
use ring_core::placement::Ring;
use tokio::sync::mpsc;
use turmoil::Sim;

use self::agenda::Agenda;
use self::clients::Clients;
use self::deps::Names;
use self::machine::Machine;
use self::network::Network;
use crate::plan::Plan;
use crate::plan::fault::Fault;
use crate::plan::host::Host;
use crate::plan::step::{Death, Step};
use crate::plan::workload::PlannedOperation;
use crate::seen::Log;

/// How long a client waits for an answer after the deadline of its request.
const PATIENCE_SLACK: Duration = Duration::from_secs(1);

/// How long a process that ended by itself stays down, as under a supervisor.
const RESTART_AFTER: Duration = Duration::from_millis(400);

/// The beginning of the wall clock: 2020-01-01.
const EPOCH: Duration = Duration::from_secs(1_577_836_800);

/// Machines, the network between them, and the faults of both.
pub(crate) struct World {
    sim: Sim<'static>,
    log: Log,
    machines: BTreeMap<Host, Machine>,
    network: Network,
    names: Names,
    /// For each host, the number of reasons to keep it down.
    down: BTreeMap<Host, u32>,
    /// The machines gone from the network.
    gone: BTreeSet<Host>,
    agenda: Agenda,
    /// Whether the clock of a machine leaps when it stands still.
    clocks_leap: bool,
    /// The time of the last step.
    last_step: Duration,
    /// The channel to each client, for operations after its plan.
    more: Vec<mpsc::UnboundedSender<PlannedOperation>>,
    recorder: Recorder<Input, Output>,
}

impl World {
    /// A world with all processes about to start.
    pub(crate) fn new(plan: &Arc<Plan>, ring: &Ring, log: &Log) -> Self {
        let swarm = &plan.swarm;
        let tick = Duration::from_millis(swarm.tick_ms);
        let mut sim = turmoil::Builder::new()
            .epoch(SystemTime::UNIX_EPOCH + EPOCH)
            .simulation_duration(Duration::MAX)
            .tick_duration(tick)
            .min_message_latency(Duration::from_millis(swarm.latency_ms.min))
            .max_message_latency(Duration::from_millis(swarm.latency_ms.max))
            .tcp_capacity(swarm.tcp_segments)
            .rng_seed(swarm.latency_seed)
            .enable_random_order()
            .build();
        let names = Names::default();
        let nodes = (0..swarm.nodes).map(|place| Machine::node(place, plan, ring, log, &names));
        let gateways =
            [Machine::gateway(plan, ring, log), Machine::second_gateway(plan, ring, log)];
        let machines = gateways.into_iter().chain(nodes).map(|machine| (machine.host, machine));
        let machines = machines.collect::<BTreeMap<_, _>>();
        for (host, machine) in &machines {
            let machine = machine.clone();
            sim.host(host.to_string(), move || machine.clone().run());
        }
        let clock = log.clone();
        let now = move || u64::try_from(clock.now().0.as_nanos()).unwrap_or(u64::MAX);
        let recorder = Recorder::new(now);
        let more = start_clients(&mut sim, plan, log, &recorder);
        let hosts = machines.keys().copied().chain([Host::Clients]).collect();
        Self {
            sim,
            log: log.clone(),
            machines,
            network: Network::new(hosts, swarm.latency_ms),
            names,
            down: BTreeMap::new(),
            gone: BTreeSet::new(),
            agenda: Agenda::default(),
            clocks_leap: swarm.clocks_leap,
            last_step: Duration::ZERO,
            more,
            recorder,
        }
    }

    /// The time since the beginning of the run.
    pub(crate) fn now(&self) -> Duration {
        self.sim.elapsed()
    }

    /// The recorder of the clients' history.
    pub(crate) fn recorder(&self) -> &Recorder<Input, Output> {
        &self.recorder
    }

    /// Plans the steps of a fault that begins now.
    pub(crate) fn add_fault(&mut self, fault: &Fault, for_ms: u64) {
        for (after_ms, step) in fault.steps(for_ms) {
            if matches!(step, Step::Leap(..)) && !self.clocks_leap {
                continue;
            }
            self.agenda.add(self.now() + Duration::from_millis(after_ms), step);
        }
    }

    /// The time of the last step, if nothing is the matter and no step is planned; else none.
    pub(crate) fn calm_since(&self) -> Option<Duration> {
        let is_calm = self.agenda.is_empty()
            && self.down.values().all(|reasons| *reasons == 0)
            && !self.network.any(|_| true);
        is_calm.then_some(self.last_step)
    }

    /// Whether a host is down, or a planned step concerns this host alone.
    pub(crate) fn is_in_trouble(&self, host: Host) -> bool {
        self.is_down(host) || self.agenda.concerns_alone(host)
    }

    /// Whether something keeps a host down, or its process was told to stop and has not started
    /// again. A gateway takes its time to end.
    fn is_down(&self, host: Host) -> bool {
        self.down.get(&host).is_some_and(|reasons| *reasons > 0) || self.machine(host).is_stopping()
    }

    /// Whether a row of a node's copy is damaged.
    pub(crate) fn is_rotten(&self, place: usize, member: Member) -> bool {
        self.machine(Host::Node(place)).faults().is_rotten(member)
    }

    /// Whether nothing is the matter with a host or its links, and no step concerning it is
    /// planned.
    pub(crate) fn is_calm_around(&self, host: Host) -> bool {
        !self.is_down(host)
            && !self.network.any(|condition| condition.hosts().contains(&host))
            && !self.agenda.concerns(host)
    }

    /// A host with a process that was told to stop, and was not started again yet.
    pub(crate) fn stopping(&self) -> Option<Host> {
        let stopping = self.machines.values().filter(|machine| machine.is_stopping());
        let mut hosts = stopping.map(|machine| machine.host);
        hosts.find(|host| *host != Host::SecondGateway && self.down.get(host) != Some(&1))
    }

    /// Lets a tick pass: carries out the due steps, then lets every host work.
    ///
    /// # Errors
    ///
    /// A host failed in turmoil. The hosts of this world never do.
    pub(crate) fn step(&mut self) -> turmoil::Result {
        self.log.advance(self.now());
        self.reap();
        while let Some(step) = self.agenda.take_due(self.now()) {
            self.carry_out(step);
        }
        self.sim.step()?;
        Ok(())
    }

    /// Removes the processes that ended by themselves, and plans their restart.
    fn reap(&mut self) {
        let ended = self.machines.values().filter(|machine| machine.take_has_ended());
        for host in ended.map(|machine| machine.host).collect::<Vec<_>>() {
            self.end_process(host, Death::Killed);
            // The second gateway has no supervisor: someone started it by mistake, once.
            if host != Host::SecondGateway {
                *self.down.entry(host).or_default() += 1;
                self.agenda.add(self.now() + RESTART_AFTER, Step::Up(host));
            }
        }
    }

    /// Gives a client another operation.
    pub(crate) fn ask(&self, client: usize, operation: PlannedOperation) {
        // A client ends only with the run.
        let _ = self.more[client].send(operation);
    }

    /// Lets the power fail everywhere. Returns the data of each node, by place.
    pub(crate) fn audit(&mut self) -> BTreeMap<usize, Result<Audit, StoreError>> {
        let nodes = self.machines.keys().copied().filter(|host| matches!(host, Host::Node(_)));
        for host in nodes.collect::<Vec<_>>() {
            self.end_process(host, Death::PowerLost { kept: 0.0 });
        }
        let audits = self.machines.values().filter_map(|machine| match machine.host {
            Host::Node(place) => Some((place, machine.audit())),
            _ => None,
        });
        audits.collect()
    }

    fn machine(&self, host: Host) -> Machine {
        match self.machines.get(&host) {
            Some(machine) => machine.clone(),
            None => panic!("{host} has no machine: the plan was checked when it was read"),
        }
    }
}

/// Starts the clients, all on one host. Returns the channel to each.
fn start_clients(
    sim: &mut Sim<'static>,
    plan: &Arc<Plan>,
    log: &Log,
    recorder: &Recorder<Input, Output>,
) -> Vec<mpsc::UnboundedSender<PlannedOperation>> {
    let patience = Duration::from_millis(plan.swarm.request_deadline_ms) + PATIENCE_SLACK;
    let until = Duration::from_millis(plan.swarm.safety_ms);
    let clients = Clients { log: log.clone(), recorder: recorder.clone(), patience, until };
    let (more, mut more_of) =
        (0..plan.swarm.clients).map(|_| mpsc::unbounded_channel()).unzip::<_, _, Vec<_>, Vec<_>>();
    let plan = Arc::clone(plan);
    sim.client(Host::Clients.to_string(), async move {
        for (client, more) in more_of.drain(..).enumerate() {
            let of_client = |operation: &&PlannedOperation| operation.client == client;
            let planned = plan.operations.iter().filter(of_client).cloned().collect();
            tokio::spawn(clients.clone().run(ClientId(client as u64), planned, more));
        }
        std::future::pending().await
    });
    more
}
