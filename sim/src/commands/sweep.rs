//! `sweep`: runs many seeds, several at once.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use sim::child::PlanArgs;
use sim::report::RunReport;
use tokio::signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::buckets::buckets;
use super::commit::commit;
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
    #[arg(long, value_parser = super::seeds::parse, required_unless_present = "for")]
    seeds: Option<Range<u64>>,

    /// Begin no seed after this time: 90s, 10m, 2h. Without --seeds, the seeds begin with 0
    #[arg(long = "for", id = "for", value_name = "TIME", value_parser = time)]
    budget: Option<Duration>,

    /// Print the report of each seed as a line of JSON, and nothing else
    #[arg(long)]
    json: bool,

    /// How many seeds run at the same time
    #[arg(long, default_value_t = processors())]
    jobs: usize,

    /// Stop at the first failure
    #[arg(long)]
    first: bool,

    #[command(flatten)]
    plan: PlanArgs,
}

/// The output of a sweep while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SweepOutput {
    /// Its progress, and the first failures.
    Lines,
    /// Each report, as a line of JSON.
    Json,
    /// Nothing.
    Nothing,
}

/// The seeds to play.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) seeds: Range<u64>,
    /// No seed begins after this moment.
    pub(super) until: Option<Instant>,
    /// No seed begins after this many failures.
    pub(super) failures_max: u64,
}

impl Wanted {
    /// All of these seeds, until so many have failed.
    pub(super) fn all(seeds: Range<u64>, failures_max: u64) -> Self {
        Self { seeds, until: None, failures_max }
    }

    fn next(&mut self) -> Option<u64> {
        let is_over = self.until.is_some_and(|until| until <= Instant::now());
        if is_over { None } else { self.seeds.next() }
    }
}

/// Parses a time, as in `90s`, `10m` or `2h`.
fn time(text: &str) -> Result<Duration, String> {
    let invalid = || format!("{text:?} is no time: give 90s, 10m or 2h");
    let seconds = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        _ => return Err(invalid()),
    };
    let number = text.get(..text.len().saturating_sub(1)).unwrap_or_default().parse::<u64>();
    let number = number.map_err(|_| invalid())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(invalid)
}

pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) async fn sweep(args: SweepArgs) -> anyhow::Result<ExitCode> {
    let seeds = Seeds::built(&args.plan).await?;
    let stop_at = if args.first { 1 } else { u64::MAX };
    let began = Instant::now();
    let wanted = Wanted {
        seeds: args.seeds.unwrap_or(0..u64::MAX),
        until: args.budget.and_then(|budget| began.checked_add(budget)),
        failures_max: stop_at,
    };
    let output = if args.json { SweepOutput::Json } else { SweepOutput::Lines };
    let tally = play(&seeds, wanted, args.jobs, output).await;
    let missing = tally.missing(&args.plan.options().kinds);
    if output == SweepOutput::Lines {
        tally.summary(began.elapsed()).iter().for_each(|line| say(line));
        buckets(&tally.failures).iter().for_each(|bucket| say(&bucket.line()));
        say(&format!("commit: {}", commit().await));
    }
    if !tally.failures.is_empty() {
        return Ok(tally.exit_status().into());
    }
    if output == SweepOutput::Lines {
        missing.iter().for_each(|missing| say(&format!("too little happened: {missing}")));
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { TOO_LITTLE.into() })
}

/// Plays seeds, several at once, until `failures_max` of them have failed or someone presses
/// Ctrl-C.
pub(super) async fn play(
    seeds: &Seeds,
    mut wanted: Wanted,
    jobs: usize,
    output: SweepOutput,
) -> Tally {
    let count = wanted.seeds.end - wanted.seeds.start;
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
                    show(&report, output, &seeds.replay_command(report.seed), tally.failures.len());
                    tally.add(report);
                    if tally.failures.len() as u64 >= wanted.failures_max {
                        // The running seeds may have lower numbers, so the sweep waits for
                        // them.
                        wanted.seeds = 0..0;
                    }
                }
                Some(Err(error)) => say(&format!("a task of the sweep was lost: {error}")),
            },
            _ = progress.tick() => if output == SweepOutput::Lines {
                say(&tally.progress(count, began.elapsed()));
            },
        }
    }
}

/// Shows the report of a seed. `shown` is the number of failures before it.
fn show(report: &RunReport, output: SweepOutput, replay: &str, shown: usize) {
    match output {
        SweepOutput::Lines if report.failure.is_some() && shown < FAILURES_SHOWN_MAX => {
            tell(report, replay);
        }
        SweepOutput::Json => {
            let json = serde_json::to_string(report);
            say(&json.unwrap_or_else(|error| unreachable!("a report serialises: {error}")));
        }
        SweepOutput::Lines | SweepOutput::Nothing => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("2h"), Ok(Duration::from_secs(7_200)));
        for bad in ["", "90", "m", "-1s", "1.5h", "10 m", "99999999999999999999s", "é"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
