//! `bugs`: plants each known bug into a copy of the workspace, and measures how many seeds a
//! sweep needs to catch it, and by which check.
//!
//! A check that cannot fail proves nothing. The bugs are patches in `sim/bugs`, so no
//! production file has a switch for one.

mod copy;
mod patch;
mod table;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use sim::child::{Part, PlanArgs};
use sim::plan::StorageKind;
use sim::plan::kind::FaultKind;
use sim::report::Failure;

use self::copy::Copy;
use self::patch::Patch;
use self::table::{Caught, Clean, Row};
use super::output::{TOO_LITTLE, say};
use super::package::package;
use super::seeds::Seeds;
use super::sweep::{SweepOutput, Wanted, play};

/// Plant each known bug into a copy, and see how soon a sweep catches it
#[derive(Debug, clap::Args)]
pub(crate) struct BugsArgs {
    /// Only these bugs, by the names of their patches
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,

    /// The seeds to catch them with
    #[arg(long, default_value = "0..500", value_parser = super::seeds::parse)]
    seeds: Range<u64>,

    /// How many seeds run at the same time
    #[arg(long, default_value_t = super::sweep::processors())]
    jobs: usize,

    /// Write the table of all bugs into docs/testing.md
    #[arg(long, conflicts_with_all = ["only", "without"])]
    write: bool,

    /// Leave these kinds of fault, checks and habits of seeds out: the bugs are to stay unseen
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Part::parse)]
    without: Vec<Part>,
}

pub(super) async fn bugs(args: BugsArgs) -> anyhow::Result<ExitCode> {
    let workspace = workspace()?;
    let patches = Patch::all(&workspace.join("sim/bugs"), &args.only)?;
    let copy = Copy::make(&workspace).await?;
    let (mut rows, mut is_complete) = (Vec::new(), true);
    for patch in &patches {
        match plant(&copy, patch, &args).await {
            Ok(row) => {
                say(&row.line());
                rows.push(row);
            }
            Err(error) => {
                say(&format!("{error:#}"));
                is_complete = false;
            }
        }
    }
    let clean = play_clean(&copy, &rows, &args).await?;
    let table = table::render(&rows, &args.seeds, clean);
    if args.write {
        table::write(&workspace.join("docs/testing.md"), &table)?;
    } else {
        say(&table);
    }
    let is_as_expected = |row: &Row| row.is_caught_as_expected() == args.without.is_empty();
    let all_caught = is_complete && rows.iter().all(is_as_expected);
    Ok(if all_caught && clean.failed == 0 { ExitCode::SUCCESS } else { TOO_LITTLE.into() })
}

/// The workspace of this program when cargo runs it, else the working directory.
fn workspace() -> anyhow::Result<PathBuf> {
    let package = std::path::absolute(package())?;
    package
        .parent()
        .map(PathBuf::from)
        .filter(|workspace| workspace.join("sim/bugs").is_dir())
        .ok_or_else(|| anyhow::anyhow!("there is no sim/bugs here: start it in the workspace"))
}

/// Plants a bug, and plays seeds until a check catches it.
async fn plant(copy: &Copy, patch: &Patch, args: &BugsArgs) -> anyhow::Result<Row> {
    copy.restore()?;
    copy.apply(patch).await?;
    let seeds = Seeds::at(copy.build(&patch.name).await?, &plan(&patch.faults, args));
    let wanted = Wanted::all(args.seeds.clone(), 1);
    let tally = play(&seeds, wanted, args.jobs, SweepOutput::Nothing).await;
    let first = tally.failures.iter().min_by_key(|report| report.seed);
    let caught = first.map(|report| Caught {
        after: report.seed - args.seeds.start + 1,
        by: match &report.failure {
            Some(Failure::Harness(detail)) => Err(detail.clone()),
            failure => {
                let violation = failure.as_ref().and_then(Failure::violation);
                Ok(violation.map_or_else(String::new, |violation| violation.check.clone()))
            }
        },
    });
    Ok(Row { patch: patch.clone(), caught })
}

async fn play_clean(copy: &Copy, rows: &[Row], args: &BugsArgs) -> anyhow::Result<Clean> {
    copy.restore()?;
    let program = copy.build("clean").await?;
    // For each set of fault kinds, the largest number of seeds needed by a bug.
    let mut most = BTreeMap::new();
    for row in rows {
        let after = row.caught.as_ref().map_or(0, |caught| caught.after);
        let most = most.entry(&row.patch.faults).or_insert(0);
        *most = after.max(*most);
    }
    let mut clean = Clean { played: 0, failed: 0 };
    for (faults, most) in most.into_iter().filter(|(_, most)| *most > 0) {
        let seeds = Seeds::at(program.clone(), &plan(faults, args));
        let range = args.seeds.start..args.seeds.start + most;
        let wanted = Wanted::all(range, u64::MAX);
        let tally = play(&seeds, wanted, args.jobs, SweepOutput::Nothing).await;
        clean.played += tally.seeds;
        clean.failed += tally.failures.len();
    }
    Ok(clean)
}

/// The bugs are looked for in memory, because the copies are built without RocksDB.
fn plan(faults: &Option<Vec<FaultKind>>, args: &BugsArgs) -> PlanArgs {
    let without = args.without.clone();
    PlanArgs { storage: StorageKind::Memory, faults: faults.clone(), without }
}
