//! `golden`: compares the digests of some seeds with those in the repository. A change of them is
//! seen in a review: it is meant, or a chance has crept in.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::process::ExitCode;

use anyhow::{Context, bail};
use sim::child::PlanArgs;

use super::output::{NOT_DETERMINISTIC, say};
use super::package::package;
use super::seeds::Seeds;
use super::sweep::{SweepOutput, Wanted, play};

/// The seeds with digests in the repository.
const SEEDS: Range<u64> = 0..50;

/// Compare the digests of fifty seeds with those in the repository
#[derive(Debug, clap::Args)]
pub(crate) struct GoldenArgs {
    /// Write the digests into the repository instead
    #[arg(long)]
    write: bool,

    /// How many seeds run at the same time
    #[arg(long, default_value_t = super::sweep::processors())]
    jobs: usize,
}

pub(super) async fn golden(args: GoldenArgs) -> anyhow::Result<ExitCode> {
    let path = package().join("golden.txt");
    let seeds = Seeds::built(&PlanArgs::default()).await?;
    let wanted = Wanted::all(SEEDS, u64::MAX);
    let tally = play(&seeds, wanted, args.jobs, SweepOutput::Nothing).await;
    if let Some(report) = tally.failures.first() {
        bail!("seed {} fails, so its digest says little: mend that first", report.seed);
    }
    if args.write {
        let lines = tally.digests.iter().map(|(seed, digest)| format!("{seed} {digest}\n"));
        fs::write(&path, lines.collect::<String>())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let known = parsed(&text)?;
    let differ = SEEDS.filter(|seed| known.get(seed) != tally.digests.get(seed));
    let differ = differ.map(|seed| seed.to_string()).collect::<Vec<_>>();
    if differ.is_empty() {
        say(&format!("{} seeds went as they are in {}", known.len(), path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!(
        "seeds {} went another way than in {}: if the change is meant, write them anew with --write",
        differ.join(", "),
        path.display()
    ));
    Ok(NOT_DETERMINISTIC.into())
}

fn parsed(text: &str) -> anyhow::Result<BTreeMap<u64, String>> {
    let line = |line: &str| {
        let (seed, digest) = line.split_once(' ').context("a line has no digest")?;
        Ok((seed.parse()?, digest.to_owned()))
    };
    text.lines().map(line).collect()
}
