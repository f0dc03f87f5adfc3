//! The simulation: machines, links and clients, and how a step of one of them spreads to the
//! others.
//!
//! ```text
//!   event --> state machine --> effects --> disk, network, clients, rules
//!     ^                                           |
//!     +---- a message, a sync, a read, a link ----+
//! ```
//!
//! The parts have state and methods of their own. Only what goes from one part to another is
//! here: [`events`] hands an event to a state machine and carries out the effects, [`links`]
//! opens, breaks and delivers, and this file lets time pass and disks work. [`crate::faults`],
//! [`crate::operator`] and [`crate::player`] act on a simulation from outside.

mod events;
mod links;

use std::time::Duration;

use ring_core::gateway::GatewayEvent;
use ring_core::node::NodeEvent;
use ring_core::placement::Place;

use crate::archive::EntryArchive;
use crate::clients::Clients;
use crate::clock::SimulatedClock;
use crate::gateway::GatewayMachine;
use crate::machines::Machines;
use crate::network::Network;
use crate::requests::Requests;
use crate::rules::{BetweenSteps, Evidence, KnownViews};
use crate::schedule::Plan;
use crate::totals::Totals;

/// The longest time between two turns of a process.
const STEP_MAX: Duration = Duration::from_millis(500);

/// All parts of a run.
pub(crate) struct Simulation {
    /// The time of all machines.
    pub(crate) clock: SimulatedClock,
    /// The nodes and their disks.
    pub(crate) machines: Machines,
    /// The gateway and its disk.
    pub(crate) gateway: GatewayMachine,
    /// The links and the messages under way.
    pub(crate) network: Network,
    /// The requests and the history of their answers.
    pub(crate) clients: Clients,
    /// The requests between gateway and nodes.
    pub(crate) requests: Requests,
    /// The entries made in the run, for the rules.
    pub(crate) archive: EntryArchive,
    /// The views seen in the run, for the rules.
    pub(crate) views: KnownViews,
    /// What the gateway has heard, for the rules.
    pub(crate) evidence: Evidence,
    /// How much has happened.
    pub(crate) totals: Totals,
    /// Every event and every action, for the report of a failure.
    pub(crate) log: Vec<String>,
}

impl Simulation {
    /// A cluster that was formed and is at rest.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut simulation = Self {
            clock: SimulatedClock::default(),
            machines: Machines::new(plan),
            gateway: GatewayMachine::default(),
            network: Network::default(),
            clients: Clients::default(),
            requests: Requests::default(),
            archive: EntryArchive::default(),
            views: KnownViews::default(),
            evidence: Evidence::default(),
            totals: Totals { schedules: 1, ..Totals::default() },
            log: Vec::new(),
        };
        simulation.start_gateway();
        for place in simulation.machines.places() {
            simulation.start_node(place);
        }
        simulation.settle();
        simulation
    }

    pub(crate) fn start_gateway(&mut self) {
        if self.gateway.gateway().is_none() {
            self.gateway.start(self.machines.ring(), self.clock.now());
            self.evidence.gateway_starts(self.machines.ring());
        }
    }

    pub(crate) fn start_node(&mut self, place: Place) {
        self.machines.at_mut(place).start(self.clock.now());
    }

    /// Delivers, reads, syncs and saves until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..200 {
            self.connect();
            self.deliver_all();
            self.save_returns();
            let mut moved = false;
            for place in self.machines.places() {
                moved |= !self.machines.at(place).reads.is_empty();
                self.read_all(place);
                while self.machines.at(place).has_to_sync() {
                    self.sync(place);
                    moved = true;
                }
            }
            let is_quiet = self.network.queues().next().is_none();
            if !moved && is_quiet && self.gateway.disk.saving.is_none() {
                return;
            }
        }
        panic!("the simulation does not come to rest");
    }

    /// Lets time pass in short steps. Every process has its turn in each step, so none stands
    /// still.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.clock.elapsed() + time;
        while self.clock.elapsed() < end {
            self.step(STEP_MAX.min(end - self.clock.elapsed()));
        }
        self.connect();
    }

    fn step(&mut self, time: Duration) {
        self.clock.advance(time);
        let now = self.clock.now();
        // Timers may fire late but never fail to fire, as with any clock.
        for place in self.machines.places() {
            if self.machines.at(place).is_due(now) {
                self.node_event(place, NodeEvent::Tick);
            }
            let machine = self.machines.at(place);
            assert!(!machine.is_due(now), "{} would tick for ever", machine.id);
        }
        if self.gateway.is_due(now) {
            self.gateway_event(GatewayEvent::Tick);
        }
    }

    /// Lets time pass, and everything come to rest.
    pub(crate) fn pass_and_settle(&mut self, time: Duration) {
        self.pass(time);
        self.settle();
        self.check();
    }

    /// A node begins a sync, or its sync returns.
    pub(crate) fn sync(&mut self, place: Place) {
        if let Some(mark) = self.machines.at_mut(place).sync() {
            self.node_event(place, NodeEvent::Synced { mark });
        }
    }

    /// Carries out one of a node's reads, or returns the result of a read carried out before.
    pub(crate) fn read(&mut self, place: Place, nth: usize) {
        if let Some(event) = self.machines.at_mut(place).read(nth, &mut self.totals) {
            self.node_event(place, event);
        }
    }

    /// Returns all reads of a node, and the reads caused by their results.
    pub(crate) fn read_all(&mut self, place: Place) {
        for _ in 0..10_000 {
            if self.machines.at(place).reads.is_empty() {
                return;
            }
            self.read(place, 0);
        }
        panic!("{} reads without end", self.machines.at(place).id);
    }

    /// The gateway's save returns.
    pub(crate) fn save_returns(&mut self) {
        if self.gateway.disk.save_returns() {
            self.gateway_event(GatewayEvent::Saved);
        }
    }

    /// Checks the rules that hold between any two steps.
    pub(crate) fn check(&mut self) {
        BetweenSteps {
            machines: &self.machines,
            gateway: &self.gateway.disk,
            views: &mut self.views,
        }
        .check();
    }
}
