//! `sweep`: runs many seeds, several at once.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use sim::child::PlanArgs;
use tokio::signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::output::{TOO_LITTLE, say, tell};
use super::seeds::Seeds;
use super::tally::Tally;

/// How many failures are shown in full.
const FAILURES_SHOWN_MAX: usize = 5;

/// The time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Run many seeds
#[derive(Debug, clap::Args)]
pub(crate) struct SweepArgs {
    /// The seeds: 0..1000
    #[arg(long, value_parser = super::seeds::parse)]
    seeds: Range<u64>,

    /// How many seeds run at the same time
    #[arg(long, default_value_t = processors())]
    jobs: usize,

    /// Stop at the first failure
    #[arg(long)]
    first: bool,

    #[command(flatten)]
    plan: PlanArgs,
}

/// Whether a sweep prints lines while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressLines {
    /// It prints its progress, and the first failures.
    Shown,
    /// It prints nothing.
    Hidden,
}

pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) async fn sweep(args: SweepArgs) -> anyhow::Result<ExitCode> {
    let seeds = Seeds::built(&args.plan).await?;
    let stop_at = if args.first { 1 } else { u64::MAX };
    let began = Instant::now();
    let tally = play(&seeds, args.seeds, args.jobs, stop_at, ProgressLines::Shown).await;
    tally.summary(began.elapsed()).iter().for_each(|line| say(line));
    if !tally.failures.is_empty() {
        return Ok(tally.exit_status().into());
    }
    let missing = tally.missing(&args.plan.options().kinds);
    missing.iter().for_each(|missing| say(&format!("too little happened: {missing}")));
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { TOO_LITTLE.into() })
}

/// Plays seeds, several at once, until `failures_max` of them have failed or someone presses
/// Ctrl-C.
pub(super) async fn play(
    seeds: &Seeds,
    mut wanted: Range<u64>,
    jobs: usize,
    failures_max: u64,
    lines: ProgressLines,
) -> Tally {
    let count = wanted.end - wanted.start;
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut running = JoinSet::new();
    let mut progress = interval(PROGRESS_EVERY);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    progress.tick().await;
    loop {
        while running.len() < jobs.max(1)
            && let Some(seed) = wanted.next()
        {
            let seeds = seeds.clone();
            running.spawn(async move { seeds.report(seed).await });
        }
        tokio::select! {
            biased;
            _ = signal::ctrl_c() => {
                say("stopped; what was run so far:");
                return tally;
            }
            ended = running.join_next() => match ended {
                None => return tally,
                Some(Ok(report)) => {
                    if lines == ProgressLines::Shown && report.failure.is_some() && tally.failures.len() < FAILURES_SHOWN_MAX {
                        tell(&report, &seeds.replay_command(report.seed));
                    }
                    tally.add(report);
                    if tally.failures.len() as u64 >= failures_max {
                        // The running seeds may have lower numbers, so the sweep waits for
                        // them.
                        wanted = 0..0;
                    }
                }
                Some(Err(error)) => say(&format!("a task of the sweep was lost: {error}")),
            },
            _ = progress.tick() => if lines == ProgressLines::Shown {
                say(&tally.progress(count, began.elapsed()));
            },
        }
    }
}
