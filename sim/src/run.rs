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
//! | `course` | the cluster in motion, and its judges |
//! | `strike` | the beginnings of faults |
//! | `aim`, `moments` | the faults that wait for a moment |
//! | `borne`, `lost` | the limits of the design, and the lost data |
//! | `healing`, `convergence` | the ends of the faults, and the return of everything |
//! | `load`, `fresh`, `unanswered` | operations beyond the plan |

mod aim;
mod borne;
mod convergence;
mod course;
mod fresh;
mod healing;
mod load;
mod lost;
mod moments;
mod strike;
mod unanswered;

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
use self::course::Course;
use self::fresh::ask_fresh;
use self::healing::heal;
use self::load::come_back_under_load;
use self::strike::Striking;

/// The rule judged by the run itself.
const NO_PANICS: Rule = Rule { check: "panics", says: "no process panics" };

/// Runs a plan, with all checks but those left out. Every event goes to `watch` too.
pub fn run(
    plan: &Plan,
    left_out: &[String],
    log: &Log,
    watch: &mut dyn FnMut(Moment, &Seen),
) -> RunReport {
    let faults = plan.faults.iter().cloned().collect();
    let course = Course::new(plan, left_out, log, watch);
    Run { course, log: log.clone(), faults, aims: Aims::default() }.play()
}

struct Run<'a> {
    course: Course<'a>,
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
        self.course.report(failure)
    }

    /// Judges the events up to a panic, then the panic itself.
    fn after_panic(&mut self) -> Failure {
        let panic = panics::first().unwrap_or_default();
        if let Err(failure) = self.course.look() {
            return failure;
        }
        if panic.is_ours {
            Failure::Harness(panic.to_string())
        } else {
            Finding::safety(self.log.now(), panic.to_string()).breaks(NO_PANICS).into()
        }
    }

    fn phases(&mut self) -> Result<(), Failure> {
        self.course.begin(Phase::Safety);
        let safety = Duration::from_millis(self.course.plan.swarm.safety_ms);
        while self.course.world.now() < safety {
            self.striking().begin_faults();
            self.course.step()?;
        }
        let course = &mut self.course;
        if course.plan.is_beyond_promises() {
            return course.finish(None);
        }
        let core = heal(course)?;
        converge(course, core)?;
        come_back_under_load(course, core)?;
        ask_fresh(course, core)?;
        converge(course, core)?;
        course.finish(Some(core))
    }

    fn striking(&mut self) -> Striking<'_> {
        let course = &mut self.course;
        let aiming = Aiming {
            aims: &mut self.aims,
            swarm: &course.plan.swarm,
            model: &course.model,
            world: &mut course.world,
            lost: &mut course.lost,
            log: &self.log,
        };
        Striking { faults: &mut self.faults, aiming }
    }
}
