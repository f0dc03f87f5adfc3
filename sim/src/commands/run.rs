//! `run` and `replay`: run one seed or one schedule, and show its events.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use sim::child::PlanArgs;
use sim::plan::Plan;

use super::commit::commit;
use super::output::{say, tell};
use super::seeds::{Running, Seeds};

/// Run one seed and show its events
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The seed
    #[arg(long)]
    seed: u64,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    show: ShowArgs,

    /// Also save the seed's schedule to this file, to edit and replay it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// Run a saved, perhaps edited, schedule
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// The file of the schedule
    schedule: PathBuf,

    #[command(flatten)]
    show: ShowArgs,
}

/// How much is shown.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// What to show: nothing, timeline, everything, trace
    #[arg(long, value_name = "WHAT", default_value = "timeline")]
    show: String,
}

pub(super) async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let seeds = Seeds::built(&args.plan).await?;
    if let Some(path) = &args.save {
        let plan = Plan::draw(args.seed, &args.plan.options());
        std::fs::write(path, plan.to_json())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let replay = seeds.replay_command(args.seed);
    finish(seeds.start(args.seed, &args.show.show)?, &replay).await
}

pub(super) async fn replay(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let seeds = Seeds::built(&PlanArgs::default()).await?;
    let replay = format!("cargo run -p sim -- replay {}", args.schedule.display());
    finish(seeds.start_schedule(&args.schedule, &args.show.show)?, &replay).await
}

async fn finish(running: Running, replay: &str) -> anyhow::Result<ExitCode> {
    let report = running.report(say).await?;
    tell(&report, replay);
    say(&format!("commit: {}", commit().await));
    Ok(report.failure.map_or(ExitCode::SUCCESS, |failure| failure.exit_status().into()))
}
