//! `meta`: runs each seed twice and compares all traces. A simulation that is not deterministic
//! proves nothing, and its failures cannot be replayed. So this comes before everything else.

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sim::child::PlanArgs;

use super::output::{NOT_DETERMINISTIC, say};
use super::seeds::{Running, Seeds};

/// How many lines are shown before a difference.
const CONTEXT_LINES: usize = 8;

/// Run each seed twice, and compare all traces byte for byte
#[derive(Debug, clap::Args)]
pub(crate) struct MetaArgs {
    /// The seeds: 0..50, or one
    #[arg(long, alias = "seed", value_parser = super::seeds::parse)]
    seeds: Range<u64>,

    #[command(flatten)]
    plan: PlanArgs,
}

pub(super) async fn meta(args: MetaArgs) -> anyhow::Result<ExitCode> {
    let seeds = Seeds::built(&args.plan).await?;
    let count = args.seeds.end - args.seeds.start;
    let mut fewest = usize::MAX;
    for seed in args.seeds {
        match compare(&seeds, seed).await? {
            Ok(lines) => {
                say(&format!("seed {seed}: {lines} lines, the same twice"));
                fewest = fewest.min(lines);
            }
            Err(difference) => {
                say(&format!("seed {seed} is not deterministic:\n{difference}"));
                return Ok(NOT_DETERMINISTIC.into());
            }
        }
    }
    say(&format!("{count} seeds ran the same twice, with {fewest} lines or more each"));
    Ok(ExitCode::SUCCESS)
}

/// Runs a seed twice. Returns the number of its trace lines, or the first difference.
async fn compare(seeds: &Seeds, seed: u64) -> anyhow::Result<Result<usize, String>> {
    let first = seeds.start(seed, "trace")?;
    // The second run has another environment, another directory, and a busy machine.
    let seed = seed.to_string();
    let second = seeds.spawn(|command| {
        let command = command.args(["--seed", &seed, "--show", "trace"]);
        command.envs([("RUST_LOG", "trace"), ("LANG", "C"), ("META_RUN", "2")]).env_remove("HOME")
    })?;
    let _load = Load::start();
    same(first, second).await
}

async fn same(mut first: Running, mut second: Running) -> anyhow::Result<Result<usize, String>> {
    let mut lines = 0;
    let mut before = Vec::new();
    loop {
        let (one, other) = (first.lines.next_line().await?, second.lines.next_line().await?);
        if one != other {
            let last = before.len().saturating_sub(CONTEXT_LINES);
            let shown = |line: Option<String>| line.unwrap_or_else(|| "(the end)".to_owned());
            return Ok(Err(format!(
                "{}\nthen, in line {}:\n< {}\n> {}",
                before[last..].join("\n"),
                lines + 1,
                shown(one),
                shown(other)
            )));
        }
        let Some(line) = one else { return Ok(Ok(lines)) };
        lines += 1;
        if before.len() > 64 * CONTEXT_LINES {
            before.drain(..before.len() - CONTEXT_LINES);
        }
        before.push(line);
    }
}

/// Keeps a processor busy until it is dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    #[allow(
        clippy::disallowed_methods,
        reason = "this program runs beside the simulation, not in it"
    )]
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self(stop)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
