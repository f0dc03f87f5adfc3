//! Flame graphs: how the processes of a subject spend their time under the load of a
//! measurement, sampled by `perf`.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph::{Options, from_reader};
use tokio::process::Command;

/// Samples per second: not a multiple of the usual frequencies of timers.
const FREQUENCY_HZ: u32 = 997;

/// The part of a stack kept for unwinding, in bytes. A deeper stack shows up as a separate
/// stack.
const STACK_BYTES: u32 = 16 << 10;

/// Samples processes until `time` has passed, and draws their stacks into `picture`.
///
/// # Errors
///
/// Returns an error if `perf` is missing or not allowed to sample the processes, or if the
/// processes were idle.
pub(crate) async fn draw(
    title: &str,
    processes: &[u32],
    time: Duration,
    picture: &Path,
) -> anyhow::Result<()> {
    let ids = processes.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let samples = picture.with_extension("perf");
    let recorded = Command::new("perf")
        .args(["record", "--quiet", &format!("--freq={FREQUENCY_HZ}")])
        .arg(format!("--call-graph=dwarf,{STACK_BYTES}"))
        .arg(format!("--pid={ids}"))
        .arg("--output")
        .arg(&samples)
        .args(["--", "sleep", &time.as_secs_f64().to_string()])
        .kill_on_drop(true)
        .status()
        .await
        .context("perf does not start: install linux-perf")?;
    ensure!(
        recorded.success(),
        "perf cannot look at {title}: it has to be allowed to, try as root"
    );

    let stacks = picture.with_extension("stacks");
    let listed = Command::new("perf")
        .args(["script", "--no-inline", "--input"])
        .arg(&samples)
        .stdout(File::create(&stacks)?)
        .stderr(Stdio::null())
        .status()
        .await?;
    ensure!(listed.success(), "perf cannot read what it has recorded of {title}");

    let mut folded = Vec::new();
    Folder::default().collapse(BufReader::new(File::open(&stacks)?), &mut folded)?;
    let mut options = Options::default();
    options.title = title.to_owned();
    from_reader(&mut options, &folded[..], BufWriter::new(File::create(picture)?))
        .with_context(|| format!("{} cannot be drawn", picture.display()))?;
    std::fs::remove_file(samples)?;
    Ok(std::fs::remove_file(stacks)?)
}
