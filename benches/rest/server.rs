//! A process that is measured.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

/// The unit of times in `/proc/PID/stat`, which Linux fixes for all programs (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A process that is measured; it ends with this.
pub(crate) struct Server {
    /// What it does: processes of the same role are added up.
    pub(crate) role: &'static str,
    child: Child,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Since its start.
    pub(crate) cpu: Duration,
    /// Resident now.
    pub(crate) memory_bytes: u64,
}

impl Server {
    pub(crate) fn start(
        role: &'static str,
        program: PathBuf,
        arguments: &[String],
    ) -> anyhow::Result<Self> {
        let child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self { role, child })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Of the process.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().with_context(|| format!("a {} has ended", self.role))
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.id()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        parse(&stat, &status).with_context(|| format!("/proc/{id} is not understood"))
    }
}

/// User and system time are fields 14 and 15 of `stat`, the second one in parentheses (`proc(5)`).
fn parse(stat: &str, status: &str) -> Option<Usage> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?.iter().sum::<u32>();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Usage { cpu: TICK * ticks, memory_bytes: kib << 10 })
}
