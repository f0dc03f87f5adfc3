//! A run: the plan's faults and clients, then healing, then what must be back, and the verdict.
//!
//! ```text
//!   safety ------------------> liveness -------------------> fresh ---------------> final
//!   faults and clients          all faults end, or all       new operations         power off, and
//!   at work                     but what the core bears      on each partition      compare the copies
//! ```
//!
//! The checks look at everything that was seen after each tick; the first violation ends the run.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use history::users::{Fields, Input, Patch};
use protocol::id::PartitionId;
use protocol::view::{InSync, Member};
use ring::placement::{Place, Ring};

use crate::checks::{Checks, End, Violation};
use crate::model::{Model, named};
use crate::panics;
use crate::plan::Plan;
use crate::plan::fault::{Condition, Death, PlannedFault, Step};
use crate::plan::host::Host;
use crate::plan::swarm::{Core, Pace};
use crate::plan::workload::PlannedOperation;
use crate::report::{Failure, Report};
use crate::seen::{ClientDid, Log, Moment, Phase, Seen, WorldDid};
use crate::statistics::Counter;
use crate::world::World;

/// How long everything may take to come back once the faults have ended.
const CONVERGENCE_MAX: Duration = Duration::from_secs(30);

/// What is added to the time in which the loss of a link is noticed.
const CALM: Duration = Duration::from_secs(1);

/// How the ids of users begin that are made when everything is back.
const FRESH: &str = "fresh-";

/// Whether an operation is one of those that have to succeed.
pub(crate) fn is_fresh(input: &Input) -> bool {
    input.id().starts_with(FRESH)
}

/// Runs a plan. Everything that was seen goes to `watch` too.
pub fn run(plan: &Plan, log: &Log, watch: &mut dyn FnMut(Moment, &Seen)) -> Report {
    let nodes = (0..plan.swarm.nodes).map(Host::node_id).collect();
    let ring =
        Ring::new(nodes).unwrap_or_else(|error| unreachable!("the plan was checked: {error}"));
    let plan = Arc::new(plan.clone());
    let run = Run {
        world: World::new(&plan, &ring, log),
        model: Model::new(ring),
        checks: Checks::new(&plan),
        counter: Counter::default(),
        faults: plan.faults.iter().cloned().collect(),
        log: log.clone(),
        watch,
        fresh_waiting: 0,
        plan,
    };
    run.to_end()
}

struct Run<'a> {
    plan: Arc<Plan>,
    world: World,
    model: Model,
    checks: Checks,
    counter: Counter,
    /// The faults that are to come.
    faults: VecDeque<PlannedFault>,
    log: Log,
    watch: &'a mut dyn FnMut(Moment, &Seen),
    /// How many fresh operations have no answer yet.
    fresh_waiting: usize,
}

impl Run<'_> {
    fn to_end(mut self) -> Report {
        let failure = match catch_unwind(AssertUnwindSafe(|| self.phases())) {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(self.after_panic()),
        };
        let Self { plan, counter, checks, world, .. } = self;
        let statistics = counter.finish(world.now(), checks.steps());
        // After a panic turmoil's world is not to be dropped, only left.
        std::mem::forget(world);
        Report { seed: plan.seed, failure, events: Vec::new(), statistics }
    }

    /// What was seen up to a panic is judged too; then the panic itself.
    fn after_panic(&mut self) -> Failure {
        let panic = panics::first().unwrap_or_default();
        if let Err(failure) = self.look() {
            return failure;
        }
        if panic.is_ours {
            Failure::Harness(panic.to_string())
        } else {
            Violation::safety("panics", self.log.now(), panic.to_string()).into()
        }
    }

    fn phases(&mut self) -> Result<(), Failure> {
        self.begin(Phase::Safety);
        let safety = Duration::from_millis(self.plan.swarm.safety_ms);
        while self.world.now() < safety {
            self.begin_faults();
            self.step()?;
        }
        if self.plan.is_beyond_promises() {
            return self.finish(None);
        }
        let core = self.heal()?;
        self.converge(core)?;
        self.begin(Phase::Fresh);
        self.ask_fresh(core);
        let deadline = self.world.now() + CONVERGENCE_MAX;
        while self.fresh_waiting > 0 {
            self.step()?;
            self.be_in_time(deadline, "the fresh operations have no answer")?;
        }
        self.converge(core)?;
        self.finish(Some(core))
    }

    /// Begins the faults whose time has come.
    fn begin_faults(&mut self) {
        let now = self.world.now();
        let calm = self.calm();
        while let Some(next) = self.faults.front() {
            let is_due = Duration::from_millis(next.at_ms) <= now;
            let may_begin = match self.plan.swarm.pace {
                Pace::Free => true,
                Pace::OneAtATime => {
                    self.model.is_whole()
                        && self.world.calm_since().is_some_and(|since| since + calm <= now)
                }
            };
            if !is_due || !may_begin {
                return;
            }
            let Some(PlannedFault { for_ms, fault, .. }) = self.faults.pop_front() else { return };
            self.log.tell(Seen::World(WorldDid::Fault(fault.kind())));
            self.world.add_steps(fault.steps(for_ms));
            if self.plan.swarm.pace == Pace::OneAtATime {
                return;
            }
        }
    }

    /// How long a link that is dead may look alive: what was cut is noticed by then.
    fn calm(&self) -> Duration {
        let swarm = &self.plan.swarm;
        Duration::from_millis(swarm.heartbeat_interval_ms + swarm.heartbeat_timeout_ms) + CALM
    }

    /// Ends the faults; returns what is left broken.
    fn heal(&mut self) -> Result<Core, Failure> {
        self.begin(Phase::Liveness);
        let wanted = self.plan.swarm.core;
        let core = match wanted {
            Core::AllBut { node } if !self.can_lose(node)? => Core::All,
            core => core,
        };
        match core {
            Core::All => self.world.heal(None),
            Core::AllBut { node } => self.world.heal(Some(Host::Node(node))),
            Core::AllButLinkAfter { node } => {
                self.world.heal(None);
                let next = Host::Node((node + 1) % self.plan.swarm.nodes);
                let cut = Condition::Cut(Host::Node(node), next);
                self.world.carry_out(Step::Begin(cut));
            }
        }
        Ok(core)
    }

    /// Takes a node away, and sees whether each partition has a copy in sync without it once the gateway knows.
    fn can_lose(&mut self, node: usize) -> Result<bool, Failure> {
        let how = Death::Killed;
        self.world.carry_out(Step::Down { host: Host::Node(node), how });
        let noticed_by = self.world.now() + self.calm();
        while self.world.now() < noticed_by
            && (self.is_linked(node) || !self.model.deciding.is_empty())
        {
            self.step()?;
        }
        let is_settled = !self.is_linked(node) && self.model.deciding.is_empty();
        Ok(is_settled && self.is_enough_without(node))
    }

    fn is_linked(&self, node: usize) -> bool {
        self.model.links.values().any(|linked| linked.place.index() == node)
    }

    /// Whether without a node each partition still has a copy in sync, by what the controller has saved.
    fn is_enough_without(&self, node: usize) -> bool {
        let is_enough = |partition: PartitionId| {
            let mut others = [Member::Home, Member::Next]
                .into_iter()
                .filter(|member| self.model.ring.holder(partition, *member).index() != node);
            let view = self.model.saved.get(&partition);
            view.is_some_and(|view| others.any(|member| named(view.in_sync, member).is_some()))
        };
        self.model.partitions().all(is_enough)
    }

    fn converge(&mut self, core: Core) -> Result<(), Failure> {
        let began = self.world.now();
        let deadline = began + CONVERGENCE_MAX;
        let mut back_since = began;
        while self.world.now() < back_since + self.calm() {
            if let Some(missing) = self.missing(core) {
                self.be_in_time(deadline, &missing)?;
                back_since = self.world.now();
            }
            self.step()?;
        }
        self.counter.converged(back_since - began);
        Ok(())
    }

    /// What has not come back yet.
    fn missing(&self, core: Core) -> Option<String> {
        self.model.partitions().find_map(|partition| {
            let home = self.model.ring.holder(partition, Member::Home).index();
            let next = self.model.ring.holder(partition, Member::Next).index();
            let is_back = match core {
                Core::AllBut { node } if node == home => self.is_served_by_next_alone(partition),
                Core::AllBut { node } if node == next => self.is_served_by_home_alone(partition),
                Core::AllButLinkAfter { node } if node == home => {
                    self.is_served_by_home_alone(partition)
                }
                // With two nodes the cut is between the neighbours of both partitions.
                Core::AllButLinkAfter { node } if self.plan.swarm.nodes == 2 && node == next => {
                    self.is_served_by_home_alone(partition)
                }
                _ => self.model.is_both_and_level(partition),
            };
            (!is_back).then(|| {
                let view = self.model.published.get(&partition);
                let view = view.map_or("no view".to_owned(), ToString::to_string);
                let progress = |member| {
                    let copy = self.model.copy(partition, member);
                    let acting = copy.acting.map_or("no view".to_owned(), |view| view.to_string());
                    let at = copy.progress.map(|progress| progress.written.to_string());
                    format!("{member} acts on {acting}, at {}", at.unwrap_or_default())
                };
                let (home, next) = (progress(Member::Home), progress(Member::Next));
                format!("{partition} is not back ({core:?}): published {view}; {home}; {next}")
            })
        })
    }

    fn is_served_by_home_alone(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        let is_alone = view.is_some_and(|view| matches!(view.in_sync, InSync::HomeOnly { .. }));
        is_alone && self.model.copy(partition, Member::Home).acting.as_ref() == view
    }

    fn is_served_by_next_alone(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        self.model.copy(partition, Member::Next).acting.as_ref() == view && view.is_some()
    }

    fn be_in_time(&self, deadline: Duration, missing: &str) -> Result<(), Failure> {
        if self.world.now() < deadline {
            return Ok(());
        }
        let detail = format!("{CONVERGENCE_MAX:?} after the faults have ended, {missing}");
        Err(Violation::liveness("convergence", self.log.now(), detail).into())
    }

    /// Asks for something of each partition; all of it has to succeed, but for updates where the primary is down.
    fn ask_fresh(&mut self, core: Core) {
        for place in self.model.ring.places().collect::<Vec<_>>() {
            let inputs = match core {
                Core::AllBut { node } if node == place.index() => self.fresh_reads(place),
                _ => self.fresh_operations(place),
            };
            // Each partition's in its order.
            let client = place.index() % self.plan.swarm.clients;
            for input in inputs {
                self.fresh_waiting += 1;
                let operation = PlannedOperation { at_ms: 0, client, input, if_match: false };
                self.world.ask(client, operation);
            }
        }
    }

    fn fresh_operations(&self, place: Place) -> Vec<Input> {
        let id = self.fresh_user(place);
        let name = format!("fresh {id}");
        let fields = Fields { name, email: format!("{id}@example.org"), group: 0 };
        let patch = Patch { name: Some(format!("changed {id}")), ..Patch::default() };
        vec![
            Input::Create { id: id.clone(), fields },
            Input::Read { id: id.clone() },
            Input::Change { id: id.clone(), patch, if_match: None },
            Input::Read { id },
        ]
    }

    fn fresh_reads(&self, place: Place) -> Vec<Input> {
        vec![Input::Read { id: self.fresh_user(place) }]
    }

    /// A user of a partition that no client has spoken of before.
    fn fresh_user(&self, place: Place) -> String {
        let is_of = |id: &String| {
            id.parse().is_ok_and(|id| self.model.ring.partition_of(&id) == place.partition())
        };
        let mut ids = (0..10_000).map(|number| format!("{FRESH}{number}"));
        ids.find(is_of).unwrap_or_else(|| panic!("no id falls into {}", place.partition()))
    }

    fn finish(&mut self, core: Option<Core>) -> Result<(), Failure> {
        self.begin(Phase::Final);
        let audits = self.world.audit();
        self.look()?;
        let end = End { core, audits, history: self.world.recorder().history() };
        Ok(self.checks.finish(&self.model, self.log.now(), &end)?)
    }

    fn begin(&mut self, phase: Phase) {
        self.log.advance(self.world.now());
        self.log.tell(Seen::World(WorldDid::Phase(phase)));
    }

    fn step(&mut self) -> Result<(), Failure> {
        self.world.step().map_err(|error| Failure::Harness(error.to_string()))?;
        self.look()
    }

    /// Judges what was seen since the last look.
    fn look(&mut self) -> Result<(), Failure> {
        for (at, seen) in self.log.take() {
            (self.watch)(at, &seen);
            let judged = self.checks.see(&self.model, at, &seen);
            self.counter.count(&self.model, &seen);
            self.model.follow(at, &seen);
            if let Seen::Client { did: ClientDid::Completed(answered), .. } = &seen
                && is_fresh(&answered.input)
            {
                self.fresh_waiting -= 1;
            }
            judged?;
        }
        Ok(())
    }
}
