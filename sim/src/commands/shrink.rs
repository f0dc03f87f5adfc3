//! `shrink`: reduces a failing schedule to the parts that make it fail, on a cluster as small and
//! as quick as can be.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002): parts are left out, large ones first, and
//! stay out if the same check still fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use sim::child::PlanArgs;
use sim::plan::Plan;
use sim::report::{Failure, RunReport};
use tempfile::TempDir;

use super::output::{say, tell};
use super::seeds::Seeds;

/// Reduce a failing schedule to the parts that make it fail
#[derive(Debug, clap::Args)]
pub(crate) struct ShrinkArgs {
    /// The seed with the failing schedule
    #[arg(long, required_unless_present = "schedule", conflicts_with = "schedule")]
    seed: Option<u64>,

    /// A saved schedule that fails
    schedule: Option<PathBuf>,

    #[command(flatten)]
    plan: PlanArgs,

    /// The file for the reduced schedule
    #[arg(long, value_name = "FILE", default_value = "shrunk.json")]
    save: PathBuf,
}

pub(super) async fn shrink(args: ShrinkArgs) -> anyhow::Result<ExitCode> {
    let plan = match (&args.schedule, args.seed) {
        (Some(path), _) => Plan::from_json(&std::fs::read_to_string(path)?)?,
        (None, seed) => Plan::draw(seed.unwrap_or_default(), &args.plan.options()),
    };
    let seeds = Seeds::built(&args.plan).await?;
    let directory = TempDir::new()?;
    let mut trial =
        Trial { seeds, path: directory.path().join("schedule.json"), check: None, runs: 0 };
    let report = trial.run(&plan).await?;
    let Some(violation) = report.failure.as_ref().and_then(Failure::violation) else {
        bail!("the schedule does not fail: there is nothing to shrink");
    };
    trial.check = Some(violation.check.clone());
    let cut = plan.until(violation.finding.at_ms);
    let plan = if trial.still_fails(&cut).await? { cut } else { plan };
    let shrunk = trial.shrunk(plan).await?;
    std::fs::write(&args.save, shrunk.to_json())
        .with_context(|| format!("{} cannot be written", args.save.display()))?;
    say(&format!(
        "{} faults, {} operations, {} nodes and {} clients are left after {} runs, in {}",
        shrunk.faults.len(),
        shrunk.operations.len(),
        shrunk.swarm.nodes,
        shrunk.swarm.clients,
        trial.runs,
        args.save.display()
    ));
    let replay = format!("cargo run -p sim -- replay {}", args.save.display());
    tell(&trial.run(&shrunk).await?, &replay);
    Ok(ExitCode::SUCCESS)
}

fn check_of(failure: &Failure) -> Option<String> {
    failure.violation().map(|violation| violation.check.clone())
}

/// Runs schedules, one after the other.
struct Trial {
    seeds: Seeds,
    path: PathBuf,
    /// The check expected to fail.
    check: Option<String>,
    runs: u32,
}

impl Trial {
    async fn run(&mut self, plan: &Plan) -> anyhow::Result<RunReport> {
        self.runs += 1;
        std::fs::write(&self.path, plan.to_json())?;
        let path: &Path = &self.path;
        self.seeds.start_schedule(path, "nothing")?.report(|_| {}).await
    }

    async fn still_fails(&mut self, plan: &Plan) -> anyhow::Result<bool> {
        let report = self.run(plan).await?;
        Ok(report.failure.as_ref().and_then(check_of) == self.check)
    }

    async fn shrunk(&mut self, mut plan: Plan) -> anyhow::Result<Plan> {
        loop {
            let before = plan.clone();
            plan = self
                .without(plan, |plan| plan.faults.len(), |plan, part| drop(plan.faults.drain(part)))
                .await?;
            plan = self
                .without(
                    plan,
                    |plan| plan.operations.len(),
                    |plan, part| drop(plan.operations.drain(part)),
                )
                .await?;
            plan = self.simplified(plan).await?;
            if plan == before {
                return Ok(plan);
            }
            let (faults, operations) = (plan.faults.len(), plan.operations.len());
            say(&format!("{faults} faults, {operations} operations, {} nodes", plan.swarm.nodes));
        }
    }

    /// Takes simpler plans as long as they fail.
    async fn simplified(&mut self, mut plan: Plan) -> anyhow::Result<Plan> {
        let mut index = 0;
        while let Some(next) = plan.simpler().get(index).cloned() {
            if self.still_fails(&next).await? {
                plan = next;
            } else {
                index += 1;
            }
        }
        Ok(plan)
    }

    /// Leaves out parts of a list, in ever smaller pieces, as long as the schedule still fails.
    async fn without(
        &mut self,
        mut plan: Plan,
        length: impl Fn(&Plan) -> usize,
        leave_out: impl Fn(&mut Plan, std::ops::Range<usize>),
    ) -> anyhow::Result<Plan> {
        let mut size = length(&plan).div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < length(&plan) {
                let mut smaller = plan.clone();
                leave_out(&mut smaller, from..(from + size).min(length(&plan)));
                if self.still_fails(&smaller).await? {
                    plan = smaller;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        Ok(plan)
    }
}
