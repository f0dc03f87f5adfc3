//! Real processes in place of the simulation's machines. Carries out the steps of its faults.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use api::ClusterStatus;
use protocol::view::Member;
use sim::plan::fault::Fault;
use sim::plan::host::Host;
use sim::plan::step::{Condition, Death, Step};
use tokio::time::Instant;

use crate::harness::cluster::Cluster;
use crate::harness::ways::Flow;

/// Real processes, and their faults.
pub(super) struct Processes {
    pub(super) cluster: Cluster,
    /// How many reasons keep each process down.
    down: BTreeMap<Host, u32>,
    conditions: Vec<Condition>,
    /// The planned steps, in order: by time, then by the number of the step.
    steps: BTreeMap<(Instant, u64), Step>,
    steps_added: u64,
}

impl Processes {
    pub(super) fn new(cluster: Cluster) -> Self {
        let (down, conditions) = (BTreeMap::new(), Vec::new());
        Self { cluster, down, conditions, steps: BTreeMap::new(), steps_added: 0 }
    }

    /// Plans the steps of a fault, beginning now.
    pub(super) fn begin(&mut self, fault: &Fault, for_ms: u64) {
        let now = Instant::now();
        for (after_ms, step) in fault.steps(for_ms) {
            self.steps_added += 1;
            self.steps.insert((now + Duration::from_millis(after_ms), self.steps_added), step);
        }
    }

    /// Whether no fault is active or planned.
    pub(super) fn is_calm(&self) -> bool {
        self.steps.is_empty()
            && self.conditions.is_empty()
            && self.down.values().all(|reasons| *reasons == 0)
    }

    /// Carries out the due steps. Panics if a process has ended by itself.
    pub(super) async fn step(&mut self) {
        while let Some(entry) =
            self.steps.first_entry().filter(|entry| entry.key().0 <= Instant::now())
        {
            let step = entry.remove();
            self.carry_out(step).await;
        }
        assert!(self.cluster.all_alive(), "a process ended that nobody ended");
    }

    /// Ends all faults.
    pub(super) async fn heal(&mut self) {
        self.steps.clear();
        for condition in std::mem::take(&mut self.conditions) {
            self.resume(&condition);
        }
        self.set_ways();
        for host in std::mem::take(&mut self.down).into_keys() {
            self.start(host);
        }
    }

    async fn carry_out(&mut self, step: Step) {
        match step {
            Step::Down { host, how } => {
                self.end(host).await;
                if let (Death::DataLost, Host::Node(place)) = (how, host) {
                    fs::remove_dir_all(self.cluster.data(place)).expect("it can be deleted");
                }
                *self.down.entry(host).or_default() += 1;
            }
            Step::Up(host) => {
                let reasons = self.down.entry(host).or_default();
                *reasons = reasons.saturating_sub(1);
                if *reasons == 0 {
                    self.start(host);
                }
            }
            Step::Stop(host) => self.restart(host).await,
            Step::Begin(condition) => {
                if let Condition::Paused(host) = condition {
                    self.pause(host).await;
                }
                self.conditions.push(condition);
                self.set_ways();
            }
            Step::End(condition) => {
                let at = self.conditions.iter().position(|other| *other == condition);
                self.conditions.remove(at.expect("what ends has begun"));
                if !self.conditions.contains(&condition) {
                    self.resume(&condition);
                }
                self.set_ways();
            }
            step => unreachable!("{step:?} is of no kind that is drawn"),
        }
    }

    /// Ends a process as `kill -9` does.
    async fn end(&mut self, host: Host) {
        match host {
            Host::Gateway if self.cluster.has_gateway() => self.cluster.kill_gateway().await,
            Host::Node(place) if self.cluster.has_node(place) => {
                self.cluster.kill_node(place).await;
            }
            _ => {}
        }
    }

    fn start(&mut self, host: Host) {
        match host {
            Host::Gateway if !self.cluster.has_gateway() => self.cluster.start_gateway(),
            Host::Node(place) if !self.cluster.has_node(place) => self.cluster.start_node(place),
            _ => {}
        }
    }

    /// Asks a process to end, and starts it again. Does nothing if the process is down or
    /// paused.
    async fn restart(&mut self, host: Host) {
        if self.conditions.contains(&Condition::Paused(host)) {
            return;
        }
        match host {
            Host::Gateway if self.cluster.has_gateway() => self.cluster.stop_gateway().await,
            Host::Node(place) if self.cluster.has_node(place) => {
                self.cluster.stop_node(place).await;
            }
            _ => return,
        }
        self.start(host);
    }

    async fn pause(&self, host: Host) {
        match host {
            Host::Gateway if self.cluster.has_gateway() => self.cluster.gateway().pause().await,
            Host::Node(place) if self.cluster.has_node(place) => {
                self.cluster.node(place).pause().await;
            }
            _ => {}
        }
    }

    fn resume(&self, condition: &Condition) {
        match condition {
            Condition::Paused(Host::Gateway) if self.cluster.has_gateway() => {
                self.cluster.gateway().resume();
            }
            Condition::Paused(Host::Node(place)) if self.cluster.has_node(*place) => {
                self.cluster.node(*place).resume();
            }
            _ => {}
        }
    }

    /// Applies the present faults to each way. Of several delays the longest counts.
    fn set_ways(&self) {
        let nodes = self.cluster.ring.size();
        for place in 0..nodes {
            let (node, before) = (Host::Node(place), Host::Node((place + nodes - 1) % nodes));
            self.cluster.ways().set_gateway(place, self.flow(node, Host::Gateway));
            self.cluster.ways().set_node(place, self.flow(before, node));
        }
    }

    fn flow(&self, dialler: Host, dialled: Host) -> Flow {
        let mut flow = Flow::default();
        for condition in &self.conditions {
            match condition {
                Condition::Cut(a, b) | Condition::Held(a, b)
                    if [(*a, *b), (*b, *a)].contains(&(dialler, dialled)) =>
                {
                    (flow.is_cut_there, flow.is_cut_back) = (true, true);
                }
                Condition::CutOneWay(from, to) if (*from, *to) == (dialler, dialled) => {
                    flow.is_cut_there = true;
                }
                Condition::CutOneWay(from, to) if (*from, *to) == (dialled, dialler) => {
                    flow.is_cut_back = true;
                }
                Condition::Slow(a, b, latency_ms)
                    if [(*a, *b), (*b, *a)].contains(&(dialler, dialled)) =>
                {
                    flow.delay = flow.delay.max(Duration::from_millis(*latency_ms));
                }
                _ => {}
            }
        }
        flow
    }
}

/// Whether the design promises that a node's data can be lost: both copies of each of its
/// partitions must be in sync.
pub(super) fn is_spare(status: &ClusterStatus, place: usize) -> bool {
    let id = sim::plan::host::Host::node_id(place);
    let is_both = |partition: &api::PartitionStatus| {
        let view = partition.view;
        view.is_some_and(|view| {
            Member::ALL.into_iter().all(|member| view.in_sync.incarnation(member).is_some())
        })
    };
    let of_node = status
        .partitions
        .iter()
        .filter(|partition| partition.home.node == id || partition.next.node == id);
    status.healthy && of_node.into_iter().all(is_both)
}
