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
//!
//! | module | owns |
//! |---|---|
//! | `watched` | the cluster in motion, and its judges |
//! | `strike` | the beginnings of faults |
//! | `aim`, `moments` | the faults that wait for a moment |
//! | `borne`, `lost` | the limits of the design, and the lost data |
//! | `healing`, `convergence` | the ends of the faults, and the return of everything |
//! | `load`, `fresh`, `unanswered` | operations beyond the plan |

mod aim;
mod borne;
mod convergence;
mod fresh;
mod healing;
mod load;
mod lost;
mod moments;
mod strike;
mod unanswered;
mod watched;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::panics;
use crate::plan::Plan;
use crate::plan::fault::PlannedFault;
use crate::report::{Failure, RunReport};
use crate::seen::{Log, Moment, Phase, Seen};
use crate::violation::{Finding, Rule};

use self::aim::{Aiming, Aims};
use self::convergence::converge;
use self::fresh::ask_fresh;
use self::healing::heal;
use self::load::come_back_under_load;
use self::strike::Striking;
use self::watched::Watched;

/// The rule judged by the run itself.
const NO_PANICS: Rule = Rule { check: "panics", says: "no process panics" };

/// Runs a plan. Every event goes to `watch` too.
pub fn run(plan: &Plan, log: &Log, watch: &mut dyn FnMut(Moment, &Seen)) -> RunReport {
    let faults = plan.faults.iter().cloned().collect();
    let watched = Watched::new(plan, log, watch);
    Run { watched, log: log.clone(), faults, aims: Aims::default() }.play()
}

struct Run<'a> {
    watched: Watched<'a>,
    log: Log,
    /// The faults to come.
    faults: VecDeque<PlannedFault>,
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
        self.watched.report(failure)
    }

    /// Judges the events up to a panic, then the panic itself.
    fn after_panic(&mut self) -> Failure {
        let panic = panics::first().unwrap_or_default();
        if let Err(failure) = self.watched.look() {
            return failure;
        }
        if panic.is_ours {
            Failure::Harness(panic.to_string())
        } else {
            Finding::safety(self.log.now(), panic.to_string()).breaks(NO_PANICS).into()
        }
    }

    fn phases(&mut self) -> Result<(), Failure> {
        self.watched.begin(Phase::Safety);
        let safety = Duration::from_millis(self.watched.plan.swarm.safety_ms);
        while self.watched.world.now() < safety {
            self.striking().begin_faults();
            self.watched.step()?;
        }
        let watched = &mut self.watched;
        if watched.plan.is_beyond_promises() {
            return watched.finish(None);
        }
        let core = heal(watched)?;
        converge(watched, core)?;
        come_back_under_load(watched, core)?;
        ask_fresh(watched, core)?;
        converge(watched, core)?;
        watched.finish(Some(core))
    }

    fn striking(&mut self) -> Striking<'_> {
        let watched = &mut self.watched;
        let aiming = Aiming {
            aims: &mut self.aims,
            swarm: &watched.plan.swarm,
            model: &watched.model,
            world: &mut watched.world,
            lost: &mut watched.lost,
            log: &self.log,
        };
        Striking { faults: &mut self.faults, aiming }
    }
}
