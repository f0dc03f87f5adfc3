//! A measured process.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use launch::{Process, Program};

/// The unit of times in `/proc/PID/stat`. Linux fixes it for all programs (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A measured process. It is killed when this is dropped.
pub(crate) struct Server {
    /// The role of the process. The figures of processes with the same role are combined.
    pub(crate) role: &'static str,
    process: Process,
}

/// The resources used by a process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// The processor time since its start.
    pub(crate) cpu: Duration,
    /// The memory resident now.
    pub(crate) memory_bytes: u64,
}

impl Server {
    pub(crate) fn start(role: &'static str, program: &Program) -> anyhow::Result<Self> {
        let mut command = program.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { role, process: Process::start(command)? })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.process.id().with_context(|| format!("a {} has ended", self.role))
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.id()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        parse(&stat, &status).with_context(|| format!("/proc/{id} is not understood"))
    }
}

/// User and system time are fields 14 and 15 of `stat`. Field 2 is in parentheses (`proc(5)`).
fn parse(stat: &str, status: &str) -> Option<Usage> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?.iter().sum::<u32>();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Usage { cpu: TICK * ticks, memory_bytes: kib << 10 })
}
