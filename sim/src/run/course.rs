//! The cluster in motion. After each step of the world, the checks judge the new events, and
//! the model follows them.

use std::sync::Arc;
use std::time::Duration;

use history::users::Input;
use ring_core::placement::Ring;

use super::borne::Limits;
use super::lost::LostNodes;
use super::unanswered::Unanswered;
use crate::checks::convergence::Convergence;
use crate::checks::{Check, Checks, End};
use crate::model::Model;
use crate::plan::Plan;
use crate::plan::host::Host;
use crate::plan::swarm::Core;
use crate::plan::workload::PlannedOperation;
use crate::report::{Failure, RunReport};
use crate::seen::{Log, Moment, Phase, Seen, WorldDid};
use crate::statistics::Counter;
use crate::violation::Finding;
use crate::world::World;

/// How long the return of everything may take after the end of the faults.
pub(super) const CONVERGENCE_MAX: Duration = Duration::from_secs(30);

/// The course of a run: a cluster in motion, judged event by event.
pub(super) struct Course<'a> {
    pub(super) plan: Arc<Plan>,
    pub(super) world: World,
    /// The state of the cluster, as far as events tell.
    pub(super) model: Model,
    pub(super) lost: LostNodes,
    pub(super) unanswered: Unanswered,
    checks: Checks,
    counter: Counter,
    /// The events not judged yet.
    log: Log,
    /// The receiver of each event.
    watch: &'a mut dyn FnMut(Moment, &Seen),
}

impl<'a> Course<'a> {
    /// A cluster with all processes about to start. Every event goes to `watch` too.
    pub(super) fn new(
        plan: &Plan,
        left_out: &[String],
        log: &Log,
        watch: &'a mut dyn FnMut(Moment, &Seen),
    ) -> Self {
        let nodes = (0..plan.swarm.nodes).map(Host::node_id).collect();
        let ring =
            Ring::new(nodes).unwrap_or_else(|error| unreachable!("the plan was checked: {error}"));
        let plan = Arc::new(plan.clone());
        Self {
            world: World::new(&plan, &ring, log),
            model: Model::new(ring),
            lost: LostNodes::default(),
            unanswered: Unanswered::default(),
            checks: Checks::new(&plan).without(left_out),
            counter: Counter::new(&plan.swarm),
            log: log.clone(),
            watch,
            plan,
        }
    }

    /// A phase begins.
    pub(super) fn begin(&mut self, phase: Phase) {
        self.log.advance(self.world.now());
        self.log.tell(Seen::World(WorldDid::Phase(phase)));
    }

    /// Lets a tick pass, and judges its events.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub(super) fn step(&mut self) -> Result<(), Failure> {
        self.world.step().map_err(|error| Failure::Harness(error.to_string()))?;
        self.look()
    }

    /// Judges the events since the last look.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        for (at, seen) in self.log.take() {
            (self.watch)(at, &seen);
            let judged = self.checks.see(&self.model, at, &seen);
            self.counter.count(&self.model, &seen);
            self.model.follow(at, &seen);
            self.lost.follow(&self.model, &seen);
            self.unanswered.follow(&seen);
            judged?;
        }
        Ok(())
    }

    /// Asks a client for an operation beyond the plan.
    pub(super) fn ask(&mut self, client: usize, input: Input) {
        self.unanswered.add(client, &input);
        self.world.ask(client, PlannedOperation { at_ms: 0, client, input, if_match: false });
    }

    /// The limits of the design, as things stand.
    pub(super) fn limits(&self) -> Limits<'_> {
        let Self { plan, model, world, lost, .. } = self;
        Limits { swarm: &plan.swarm, model, world, lost }
    }

    /// Everything was back after this time.
    pub(super) fn has_converged(&mut self, took: Duration) {
        self.counter.converged(took);
    }

    /// Objects to a thing still missing at its deadline.
    ///
    /// # Errors
    ///
    /// The deadline is over.
    pub(super) fn be_in_time(&self, deadline: Duration, missing: &str) -> Result<(), Failure> {
        if self.world.now() < deadline {
            return Ok(());
        }
        let detail = format!("{CONVERGENCE_MAX:?} after the faults have ended, {missing}");
        Err(self.is_not_back(detail))
    }

    /// The failure of a cluster that does not come back.
    pub(super) fn is_not_back(&self, detail: String) -> Failure {
        Finding::liveness(self.log.now(), detail).breaks(Convergence.rule()).into()
    }

    /// Lets the power fail everywhere, and judges the end.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub(super) fn finish(&mut self, core: Option<Core>) -> Result<(), Failure> {
        self.begin(Phase::Final);
        let audits = self.world.audit();
        self.look()?;
        let end = End { core, audits, history: self.world.recorder().history() };
        Ok(self.checks.finish(&self.model, self.log.now(), &end)?)
    }

    /// The result of the run.
    pub(super) fn report(self, failure: Option<Failure>) -> RunReport {
        let Self { plan, counter, checks, world, .. } = self;
        let statistics = counter.finish(world.now(), checks.steps());
        // After a panic, turmoil's world must not be dropped, only left.
        std::mem::forget(world);
        RunReport {
            seed: plan.seed,
            failure,
            events: Vec::new(),
            digest: String::new(),
            statistics,
        }
    }
}
