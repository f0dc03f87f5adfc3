//! The machines. Each runs a production process, from its start until it dies or ends by
//! itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db_process::store::{StoreError, audit};
use ring_core::node::StopReason;
use ring_core::placement::Ring;
use tokio_util::sync::CancellationToken;

use super::config::{gateway_config, node_config};
use super::deps::{
    Latencies, NODE_PORT, Names, REST_PORT, SOCKET_PORT, SimClock, SimConnector, SimEntropy,
    SimThreads, Stall, listen,
};
use super::disk::{Disk, SharedDisk};
use super::disk_calls::DiskCalls;
use super::state::StateDisk;
use super::storage::{Cold, DiskFaults, SimStorage};
use super::undecodable::Undecodable;
use crate::plan::Plan;
use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::plan::swarm::{Span, Swarm};
use crate::seen::{Ended, Log, Seen, WorldDid};

/// The state shared by the world and the process of a machine.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) host: Host,
    shared: Arc<Shared>,
}

struct Shared {
    plan: Arc<Plan>,
    ring: Ring,
    log: Log,
    stall: Stall,
    clock: SimClock,
    faults: DiskFaults,
    /// The number of starts so far.
    starts: AtomicU64,
    /// Whether the process has ended by itself.
    has_ended: AtomicBool,
    /// Tells the process to stop.
    shutdown: Mutex<CancellationToken>,
    has: Has,
}

/// The equipment of a machine.
enum Has {
    Node { place: usize, disk: SharedDisk, names: Names, undecodable: Undecodable },
    Gateway { state: Mutex<Option<StateDisk>> },
}

impl Machine {
    /// A node's machine.
    pub(crate) fn node(
        place: usize,
        plan: &Arc<Plan>,
        ring: &Ring,
        log: &Log,
        names: &Names,
    ) -> Self {
        let disk = SharedDisk::new(Disk::new(plan.storage, place));
        let undecodable = Undecodable::default();
        let has = Has::Node { place, disk, names: names.clone(), undecodable };
        Self::new(Host::Node(place), plan, ring, log, DiskFaults::default(), has)
    }

    /// The gateway's machine.
    pub(crate) fn gateway(plan: &Arc<Plan>, ring: &Ring, log: &Log) -> Self {
        let faults = DiskFaults::default();
        let state = StateDisk::new(plan.storage, faults.clone(), log.clone());
        let has = Has::Gateway { state: Some(state).into() };
        Self::new(Host::Gateway, plan, ring, log, faults, has)
    }

    /// The machine of a second gateway, started by mistake. It does nothing until it has a
    /// state directory.
    pub(crate) fn second_gateway(plan: &Arc<Plan>, ring: &Ring, log: &Log) -> Self {
        let has = Has::Gateway { state: None.into() };
        Self::new(Host::SecondGateway, plan, ring, log, DiskFaults::default(), has)
    }

    fn new(
        host: Host,
        plan: &Arc<Plan>,
        ring: &Ring,
        log: &Log,
        faults: DiskFaults,
        has: Has,
    ) -> Self {
        let shared = Shared {
            plan: Arc::clone(plan),
            ring: ring.clone(),
            log: log.clone(),
            stall: Stall::new(),
            clock: SimClock::default(),
            faults,
            starts: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            shutdown: Mutex::default(),
            has,
        };
        Self { host, shared: Arc::new(shared) }
    }

    /// The faults of its disk.
    pub(crate) fn faults(&self) -> &DiskFaults {
        &self.shared.faults
    }

    /// The users with requests that the node cannot decode; none for a gateway.
    pub(crate) fn undecodable(&self) -> Option<&Undecodable> {
        match &self.shared.has {
            Has::Node { undecodable, .. } => Some(undecodable),
            Has::Gateway { .. } => None,
        }
    }

    /// Its clock.
    pub(crate) fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// The switch to make it stand still.
    pub(crate) fn stall(&self) -> &Stall {
        &self.shared.stall
    }

    /// Tells the process to stop.
    pub(crate) fn stop(&self) {
        self.shared.log.tell(Seen::World(WorldDid::Stops(self.host)));
        self.shutdown().cancel();
    }

    /// Whether the process started last was told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shutdown().is_cancelled()
    }

    fn shutdown(&self) -> MutexGuard<'_, CancellationToken> {
        self.shared.shutdown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new token to stop the process that starts now.
    fn new_shutdown(&self) -> CancellationToken {
        let shutdown = CancellationToken::new();
        *self.shutdown() = shutdown.clone();
        shutdown
    }

    /// Whether the process has ended by itself since the last call.
    pub(crate) fn take_has_ended(&self) -> bool {
        self.shared.has_ended.swap(false, Ordering::Relaxed)
    }

    /// Prepares for the death of the process.
    pub(crate) fn dies(&self, death: Death) {
        match &self.shared.has {
            Has::Node { disk, .. } => {
                disk.with(|disk| disk.dies(death));
                if death == Death::DataLost {
                    self.shared.faults.is_wiped();
                }
            }
            Has::Gateway { .. } => {
                if let (Death::DataLost, Some(state)) = (death, self.state()) {
                    state.wipe();
                }
            }
        }
    }

    /// Notes the death of the process.
    pub(crate) fn has_died(&self) {
        self.shared.has_ended.store(false, Ordering::Relaxed);
        self.shared.faults.has_died();
        if let Has::Node { disk, .. } = &self.shared.has {
            disk.with(Disk::has_died);
        }
    }

    /// A gateway's state directory, if it has one.
    pub(crate) fn state(&self) -> Option<StateDisk> {
        match &self.shared.has {
            Has::Gateway { state } => state.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Has::Node { .. } => None,
        }
    }

    /// Gives a gateway a state directory, or takes it away.
    pub(crate) fn set_state(&self, new: Option<StateDisk>) {
        if let Has::Gateway { state } = &self.shared.has {
            *state.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }

    /// All data of a node. No process may be at work on it.
    pub(crate) fn audit(&self) -> Result<audit::Audit, StoreError> {
        match &self.shared.has {
            Has::Node { disk, .. } => audit::audit(&*disk.with(Disk::read)?),
            Has::Gateway { .. } => unreachable!("only nodes are audited"),
        }
    }

    /// The software of the host: one process, until it ends.
    pub(crate) async fn run(self) -> turmoil::Result {
        let ended = match &self.shared.has {
            Has::Node { place, disk, names, undecodable } => {
                self.told_of_start();
                let (host, names, undecodable) = (self.host, names.clone(), undecodable.clone());
                let segment_bytes_max = self.shared.plan.swarm.segment_bytes_max;
                let connector = SimConnector { host, names, undecodable, segment_bytes_max };
                self.run_node(*place, disk, connector).await
            }
            Has::Gateway { .. } => match self.state() {
                Some(state) => {
                    self.told_of_start();
                    self.run_gateway(&state).await
                }
                None => std::future::pending().await,
            },
        };
        self.shared.log.tell(Seen::World(WorldDid::Ended(self.host, ended)));
        self.shared.has_ended.store(true, Ordering::Relaxed);
        std::future::pending().await
    }

    fn told_of_start(&self) {
        self.shared.log.tell(Seen::World(WorldDid::Starts(self.host)));
    }

    async fn run_node(&self, place: usize, disk: &SharedDisk, connector: SimConnector) -> Ended {
        let storage = match disk.with(Disk::open) {
            Ok(storage) => storage,
            Err(error) => return Ended::Storage(error.to_string()),
        };
        let Shared { log, faults, plan, .. } = &*self.shared;
        let listener = match listen(NODE_PORT, plan.swarm.segment_bytes_max).await {
            Ok(listener) => listener,
            Err(error) => return Ended::Otherwise(error.to_string()),
        };
        let covers = plan.swarm.sync_covers;
        let calls = DiskCalls::new(place, Arc::clone(&storage), covers, log.clone());
        let (entropy, threads) = self.own(plan.swarm.sync_ms_of(place), Some(calls.clone()));
        let cold = Cold::new(plan.swarm.cold_percent, plan.seed ^ (place as u64));
        let storage = SimStorage::new(place, storage, faults.clone(), calls, cold, log.clone());
        let deps = db_process::Deps {
            listener,
            tls: None,
            address: format!("{}:{NODE_PORT}", self.host),
            connector: Arc::new(connector),
            storage: Arc::new(storage),
            clock: Arc::new(self.shared.clock.clone()),
            entropy: Arc::new(entropy),
            threads: Arc::new(threads),
        };
        let config = node_config(place, &plan.swarm);
        match db_process::run(config, deps, self.new_shutdown()).await {
            Ok(()) => Ended::AsTold,
            Err(
                error @ (db_process::RunError::Storage(_)
                | db_process::RunError::Stopped(
                    StopReason::Storage(_) | StopReason::DiskSilent(_),
                )
                | db_process::RunError::Store(StoreError::Storage(_))),
            ) => Ended::Storage(error.to_string()),
            Err(error) => Ended::Otherwise(error.to_string()),
        }
    }

    async fn run_gateway(&self, state: &StateDisk) -> Ended {
        let Shared { plan, ring, .. } = &*self.shared;
        let state = match state.open(self.host) {
            Ok(state) => state,
            Err(error) => return Ended::Otherwise(error.to_string()),
        };
        let segment_bytes_max = plan.swarm.segment_bytes_max;
        let rest = listen(REST_PORT, segment_bytes_max).await;
        let (rest, socket) = match (rest, listen(SOCKET_PORT, segment_bytes_max).await) {
            (Ok(rest), Ok(socket)) => (rest, socket),
            (Err(error), _) | (_, Err(error)) => return Ended::Otherwise(error.to_string()),
        };
        let (entropy, threads) = self.own(Span::nothing(), None);
        let deps = gateway::Deps {
            rest,
            rest_tls: None,
            socket,
            socket_tls: None,
            access: gateway::Access::Open,
            state: Arc::new(state),
            clock: Arc::new(self.shared.clock.clone()),
            entropy: Arc::new(entropy),
            threads: Arc::new(threads),
        };
        let config = gateway_config(ring, &plan.swarm);
        match gateway::run(config, deps, self.new_shutdown()).await {
            Ok(()) => Ended::AsTold,
            Err(error @ gateway::RunError::State(_)) => Ended::Storage(error.to_string()),
            Err(error) => Ended::Otherwise(error.to_string()),
        }
    }

    /// The randomness and threads of one start. No two starts draw the same.
    fn own(&self, sync: Span, calls: Option<DiskCalls>) -> (SimEntropy, SimThreads) {
        let start = self.shared.starts.fetch_add(1, Ordering::Relaxed);
        let host = match self.host {
            Host::Clients => 0,
            Host::Gateway => 1,
            Host::SecondGateway => 2,
            Host::Node(place) => 3 + place as u64,
        };
        let seed = self.shared.plan.seed.wrapping_mul(1_000_003) ^ (host << 48) ^ (start << 1);
        let Swarm { write_ms: write, read_ms: read, save_ms: save, .. } = self.shared.plan.swarm;
        let latencies = Latencies { write, sync, read, save };
        let threads = SimThreads::new(latencies, seed ^ 1, self.shared.stall.clone(), calls);
        (SimEntropy::new(seed), threads)
    }
}
