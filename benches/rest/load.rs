//! The load: `wrk` sends prepared requests one after the other, drawn at random.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// The size of the load, and its duration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// The number of connections, open throughout.
    pub(crate) connections: u32,
    /// The duration of one measurement.
    pub(crate) time: Duration,
}

/// The figures seen by the clients.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) duration_us: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    /// Requests without an answer.
    failed: u64,
    /// Requests answered with an error status.
    refused: u64,
}

impl Figures {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.duration_us as f64
    }
}

impl Load {
    /// Sends the requests in a file to a server.
    ///
    /// # Errors
    ///
    /// Returns an error if a single request does not succeed: the figures would be of something
    /// else.
    pub(crate) async fn run(&self, url: &str, requests: &Path) -> anyhow::Result<Figures> {
        let output = Command::new("wrk")
            .args(["--threads=1", "--timeout=10s"])
            .arg(format!("--connections={}", self.connections))
            .arg(format!("--duration={}s", self.time.as_secs()))
            .arg("--script")
            .args([&script_beside(requests), Path::new(url), Path::new("--"), requests])
            .kill_on_drop(true)
            .output()
            .await
            .context("wrk does not start")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let seen = text.lines().find(|line| line.starts_with('{'));
        let seen = seen.with_context(|| {
            format!("wrk says: {text}{}", String::from_utf8_lossy(&output.stderr))
        })?;
        let seen: Figures = serde_json::from_str(seen)?;
        ensure!(
            seen.failed == 0 && seen.refused == 0 && seen.requests > 0,
            "{url} did not answer as it should: {seen:?}"
        );
        Ok(seen)
    }
}

/// Writes requests to a file for [`Load::run`], and beside it the script for `wrk`.
pub(crate) fn save(path: &Path, requests: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let all = requests.collect::<Vec<_>>().join("\0");
    fs::write(path, all).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(fs::write(script_beside(path), include_str!("load.lua"))?)
}

/// Reads a file written by [`save`].
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let all = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(all.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

fn script_beside(requests: &Path) -> PathBuf {
    requests.with_extension("lua")
}
