//! A run: faults and clients, then healing, then the return of everything needed, then the
//! verdict.
//!
//! ```text
//!   safety ---------------> liveness ----------------> fresh --------------> final
//!   faults and clients      all faults end, or all     new operations        power off, and
//!   at work                 but the part left broken   on each partition     compare the copies
//! ```
//!
//! If a node has a permanently slow disk, *load* comes before *fresh*: the node comes back
//! while clients ask for updates.
//!
//! After each tick the checks judge every new event. The first violation ends the run.

mod aim;
mod borne;
mod fresh;
mod healing;
mod load;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ring_core::placement::Ring;
use service::events::{Event, NodeFact};

use crate::checks::{Checks, End};
use crate::model::Model;
use crate::panics;
use crate::plan::Plan;
use crate::plan::corruption::{Corruption, Fate};
use crate::plan::fault::{Fault, PlannedFault};
use crate::plan::host::Host;
use crate::plan::swarm::{Core, Pace};
use crate::report::{Failure, RunReport};
use crate::seen::{ClientDid, Log, Moment, Phase, Seen, WorldDid};
use crate::statistics::Counter;
use crate::violation::{Finding, Rule};
use crate::world::World;

use self::aim::Aims;
use self::load::Load;

pub(crate) use self::fresh::is_fresh;

/// How long the return of everything may take after the end of the faults.
const CONVERGENCE_MAX: Duration = Duration::from_secs(30);

/// The rule judged by the run itself.
const NO_PANICS: Rule = Rule { check: "panics", says: "no process panics" };

/// Runs a plan. Every event goes to `watch` too.
pub fn run(plan: &Plan, log: &Log, watch: &mut dyn FnMut(Moment, &Seen)) -> RunReport {
    let nodes = (0..plan.swarm.nodes).map(Host::node_id).collect();
    let ring =
        Ring::new(nodes).unwrap_or_else(|error| unreachable!("the plan was checked: {error}"));
    let plan = Arc::new(plan.clone());
    let run = Run {
        world: World::new(&plan, &ring, log),
        model: Model::new(ring),
        checks: Checks::new(&plan),
        counter: Counter::new(&plan.swarm),
        faults: plan.faults.iter().cloned().collect(),
        log: log.clone(),
        watch,
        fresh_waiting: 0,
        load: Load::default(),
        without_data: BTreeSet::new(),
        aims: Aims::default(),
        plan,
    };
    run.play()
}

struct Run<'a> {
    plan: Arc<Plan>,
    world: World,
    model: Model,
    checks: Checks,
    counter: Counter,
    /// The faults to come.
    faults: VecDeque<PlannedFault>,
    log: Log,
    watch: &'a mut dyn FnMut(Moment, &Seen),
    /// The number of fresh operations without an answer.
    fresh_waiting: usize,
    /// The updates asked for while a node with a slow disk comes back.
    load: Load,
    /// The nodes that have lost their data and have not started since.
    without_data: BTreeSet<usize>,
    /// The moments that aimed faults wait for.
    aims: Aims,
}

impl Run<'_> {
    fn play(mut self) -> RunReport {
        let failure = match catch_unwind(AssertUnwindSafe(|| self.phases())) {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(self.after_panic()),
        };
        let Self { plan, counter, checks, world, .. } = self;
        let statistics = counter.finish(world.now(), checks.steps());
        // After a panic, turmoil's world must not be dropped, only left.
        std::mem::forget(world);
        RunReport { seed: plan.seed, failure, events: Vec::new(), statistics }
    }

    /// Judges the events up to a panic, then the panic itself.
    fn after_panic(&mut self) -> Failure {
        let panic = panics::first().unwrap_or_default();
        if let Err(failure) = self.look() {
            return failure;
        }
        if panic.is_ours {
            Failure::Harness(panic.to_string())
        } else {
            Finding::safety(self.log.now(), panic.to_string()).breaks(NO_PANICS).into()
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
        self.come_back_under_load(core)?;
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

    /// Begins the due faults.
    fn begin_faults(&mut self) {
        let now = self.world.now();
        let calm = self.calm();
        self.keep_in_the_dark(now);
        self.kill_again();
        self.lose_alone(now);
        self.strand();
        if self.corrupt_ahead(now) {
            return;
        }
        loop {
            let may_begin = match self.plan.swarm.pace {
                Pace::Free => true,
                Pace::OneAtATime => {
                    self.model.is_whole()
                        && !self.is_anything_rotten()
                        && self.world.calm_since().is_some_and(|since| since + calm <= now)
                }
            };
            let is_due = |fault: &&PlannedFault| Duration::from_millis(fault.at_ms) <= now;
            let mut due = self.faults.iter().take_while(is_due);
            let next = due.position(|fault| may_begin && self.is_the_moment(fault, now));
            let Some(PlannedFault { at_ms, for_ms, fault }) =
                next.and_then(|next| self.faults.remove(next))
            else {
                return;
            };
            if !self.is_borne(&fault) {
                continue;
            }
            match fault {
                Fault::LostData(Host::Node(place)) => {
                    self.without_data.insert(place);
                }
                Fault::LostAlone { host: Host::Node(place), .. } => self.will_lose(place),
                Fault::Corrupt(Corruption { host: Host::Node(place), rot, fate })
                    if fate.is_stranded() =>
                {
                    self.will_strand(place, rot.member);
                }
                Fault::Corrupt(Corruption {
                    host: Host::Node(place),
                    fate: Fate::KilledTwice,
                    ..
                }) => {
                    self.leave_behind(place, PlannedFault { at_ms, for_ms, fault });
                    return;
                }
                _ => {}
            }
            self.log.tell(Seen::World(WorldDid::Fault(fault.kind())));
            self.world.add_steps(fault.steps(for_ms));
            if self.plan.swarm.pace == Pace::OneAtATime {
                return;
            }
        }
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

    /// Judges the events since the last look.
    fn look(&mut self) -> Result<(), Failure> {
        for (at, seen) in self.log.take() {
            (self.watch)(at, &seen);
            let judged = self.checks.see(&self.model, at, &seen);
            self.counter.count(&self.model, &seen);
            self.model.follow(at, &seen);
            // Only this event counts: a process with a full disk has started too, and still has
            // no data.
            if let Seen::Inside(Event::Node { node, event: NodeFact::Starts { .. } }) = &seen
                && let Some(place) = self.model.ring.place_of(node)
            {
                self.without_data.remove(&place.index());
            }
            if let Seen::Client { client, did: ClientDid::Completed(answered), .. } = &seen {
                self.fresh_waiting -= usize::from(is_fresh(&answered.input));
                let client = usize::try_from(client.0).unwrap_or(usize::MAX);
                self.load.has_ended(&answered.input, client);
            }
            judged?;
        }
        Ok(())
    }
}
