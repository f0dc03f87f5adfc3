//! The commands, one file each.

mod buckets;
mod bugs;
mod commit;
mod golden;
mod meta;
pub(crate) mod output;
mod package;
mod run;
mod seeds;
mod shrink;
mod sweep;
mod tally;

use std::process::ExitCode;

use clap::Subcommand;

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
    /// Compare the digests of fifty seeds with those in the repository
    Golden(golden::GoldenArgs),
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
            Self::Golden(args) => golden::golden(args).await,
            Self::Bugs(args) => bugs::bugs(args).await,
        }
    }
}
