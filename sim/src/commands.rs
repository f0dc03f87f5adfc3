//! The commands, one file each.

mod bugs;
mod meta;
mod run;
mod seeds;
mod shrink;
mod sweep;
mod tally;

use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;

use clap::Subcommand;

/// The exit status after a failure of the harness.
pub(crate) const HARNESS_FAILED: u8 = 12;

/// The exit status of a sweep in which too little happened.
const TOO_LITTLE: u8 = 13;

/// The exit status when two runs of a seed differ.
const NOT_DETERMINISTIC: u8 = 14;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one seed and show its events
    Run(run::RunArgs),
    /// Run a saved, perhaps edited, schedule
    Replay(run::ReplayArgs),
    /// Reduce a failing schedule to the parts that make it fail
    Shrink(shrink::ShrinkArgs),
    /// Run many seeds
    Sweep(sweep::SweepArgs),
    /// Run each seed twice, and compare all traces byte for byte
    Meta(meta::MetaArgs),
    /// Plant each known bug into a copy, and see how soon a sweep catches it
    Bugs(bugs::BugsArgs),
}

impl Command {
    /// Executes the command.
    pub(crate) async fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(args) => run::run(args).await,
            Self::Replay(args) => run::replay(args).await,
            Self::Shrink(args) => shrink::shrink(args).await,
            Self::Sweep(args) => sweep::sweep(args).await,
            Self::Meta(args) => meta::meta(args).await,
            Self::Bugs(args) => bugs::bugs(args).await,
        }
    }
}

/// Prints a line. Errors are ignored: the reader may be gone.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Parses a range of seeds, as in `0..100`, or one seed, as in `42`.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let invalid = || format!("{text:?} are no seeds: give 0..100, or one number");
    let number = |text: &str| text.parse::<u64>().map_err(|_| invalid());
    let range = match text.split_once("..") {
        Some((from, to)) => number(from)?..number(to)?,
        None => number(text)?..number(text)?.checked_add(1).ok_or_else(invalid)?,
    };
    if range.is_empty() { Err(invalid()) } else { Ok(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!(seeds("3..7"), Ok(3..7));
        assert_eq!(seeds("42"), Ok(42..43));
        for bad in ["", "a..b", "7..3", "5..5", "-1"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }
}
