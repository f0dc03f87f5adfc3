//! Seeds on the command line, and the program that runs one.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use sim::child::{PlanArgs, REPORT};
use sim::report::{Failure, RunReport, Statistics};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long one seed may take, in real time. In memory it takes a fraction of a second.
const SEED_DEADLINE: Duration = Duration::from_secs(120);

/// Starts the program that runs one seed.
#[derive(Debug, Clone)]
pub(super) struct Seeds {
    program: PathBuf,
    args: Vec<String>,
}

/// A running seed.
pub(super) struct Running {
    pub(super) lines: Lines<BufReader<ChildStdout>>,
    child: Child,
    /// The working directory of the process, for its stored files. It is removed after the end.
    _directory: TempDir,
}

impl Seeds {
    /// The program beside this one. Where cargo runs this program, `sim-seed` is built first,
    /// because cargo builds only the program it is told to run.
    pub(super) async fn built(plan: &PlanArgs) -> anyhow::Result<Self> {
        let this = std::env::current_exe().context("where is this program?")?;
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.args(["build", "--quiet", "--locked", "--package", "sim", "--bin", "sim-seed"]);
            if !cfg!(feature = "rocksdb") {
                build.arg("--no-default-features");
            }
            if this.parent().is_some_and(|directory| directory.ends_with("release")) {
                build.arg("--release");
            }
            let built = build.status().await.context("cargo does not start")?;
            if !built.success() {
                bail!("sim-seed does not compile");
            }
        }
        Ok(Self::at(this.with_file_name("sim-seed"), plan))
    }

    /// A program at another path.
    pub(super) fn at(program: PathBuf, plan: &PlanArgs) -> Self {
        Self { program, args: plan.to_args() }
    }

    /// The command line to run a seed again.
    pub(super) fn replay_command(&self, seed: u64) -> String {
        let args = self.args.iter().map(|arg| format!(" {arg}")).collect::<String>();
        format!("cargo run -p sim -- run --seed {seed}{args}")
    }

    /// Starts a seed.
    pub(super) fn start(&self, seed: u64, show: &str) -> anyhow::Result<Running> {
        self.spawn(|command| command.args(["--seed", &seed.to_string(), "--show", show]))
    }

    /// Starts a saved schedule.
    pub(super) fn start_schedule(&self, path: &Path, show: &str) -> anyhow::Result<Running> {
        let path =
            path.canonicalize().with_context(|| format!("{} is not there", path.display()))?;
        self.spawn(|command| command.arg("--schedule").arg(path).args(["--show", show]))
    }

    /// Starts the program in a directory of its own, in `/dev/shm` where it exists.
    pub(super) fn spawn(
        &self,
        with: impl FnOnce(&mut Command) -> &mut Command,
    ) -> anyhow::Result<Running> {
        let in_memory = Path::new("/dev/shm");
        let base = if in_memory.is_dir() { in_memory.to_owned() } else { std::env::temp_dir() };
        let directory = TempDir::with_prefix_in("chainring-sim-", base)?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = with(&mut command)
            .spawn()
            .with_context(|| format!("{} does not start", self.program.display()))?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Running { lines, child, _directory: directory })
    }

    /// Runs a seed to its report. A failure around it becomes a failure of the harness.
    pub(super) async fn report(&self, seed: u64) -> RunReport {
        let running = self.start(seed, "nothing");
        let report = async { running?.report(|_| {}).await };
        report.await.unwrap_or_else(|error| RunReport {
            seed,
            failure: Some(Failure::Harness(format!("{error:#}"))),
            events: Vec::new(),
            digest: String::new(),
            statistics: Statistics::default(),
        })
    }
}

impl Running {
    /// Reads all output, passes its lines to `show`, and returns the report at its end.
    pub(super) async fn report(mut self, mut show: impl FnMut(&str)) -> anyhow::Result<RunReport> {
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                match line.strip_prefix(REPORT) {
                    Some(json) => return Ok(Some(serde_json::from_str(json)?)),
                    None => show(&line),
                }
            }
            anyhow::Ok(None)
        };
        let report = timeout(SEED_DEADLINE, reading)
            .await
            .with_context(|| format!("no report after {SEED_DEADLINE:?}"))??;
        let status = self.child.wait().await?;
        report.with_context(|| format!("it ended without a report: {status}"))
    }
}

/// Parses a range of seeds, as in `0..100`, or one seed, as in `42`.
pub(super) fn parse(text: &str) -> Result<Range<u64>, String> {
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
        assert_eq!(parse("3..7"), Ok(3..7));
        assert_eq!(parse("42"), Ok(42..43));
        for bad in ["", "a..b", "7..3", "5..5", "-1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
