//! A process, kept running.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{self, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::console::Console;

/// The pause before a dead process is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// A process with a shorter life had a false start.
const STARTED: Duration = Duration::from_secs(5);

/// The maximum number of false starts in a row. Then the process is given up.
const FALSE_STARTS_MAX: u32 = 5;

/// The maximum time for a process to end after SIGTERM.
const END: Duration = Duration::from_secs(10);

/// A process, kept running.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) binary: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Child {
    /// Starts the process, and starts it again whenever it dies. Returns when `stopping` is
    /// cancelled, or after too many false starts.
    pub(super) async fn keep_running(self, console: Console, stopping: CancellationToken) {
        let mut false_starts = 0;
        while !stopping.is_cancelled() && false_starts < FALSE_STARTS_MAX {
            let started = Instant::now();
            let ended = match self.run_once(&console, &stopping).await {
                Ok(None) => return,
                Ok(Some(status)) => status.to_string(),
                Err(error) => format!("{error:#}"),
            };
            false_starts = if started.elapsed() < STARTED { false_starts + 1 } else { 0 };
            if false_starts >= FALSE_STARTS_MAX {
                console.say(format_args!("{} has died ({ended})", self.name));
                break;
            }
            console.say(format_args!(
                "{} has died ({ended}); starting it again in {PAUSE:?}",
                self.name
            ));
            stopping.run_until_cancelled(sleep(PAUSE)).await;
        }
        if !stopping.is_cancelled() {
            console.say(format_args!("{} does not start: giving up", self.name));
        }
    }

    /// Runs the process until it dies, and returns its exit status. Returns `None` if
    /// `stopping` is cancelled first.
    async fn run_once(
        &self,
        console: &Console,
        stopping: &CancellationToken,
    ) -> anyhow::Result<Option<ExitStatus>> {
        let mut command = Command::new(&self.binary);
        command
            .args(&self.arguments)
            .arg("--end-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Gives the process a group of its own. So Ctrl-C reaches only this program, and this
        // program stops the others in order.
        command.process_group(0).kill_on_drop(true);
        let mut process =
            command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?;
        // The operating system closes this pipe when this program is gone, for whatever reason.
        let _stdin = process.stdin.take();
        if let Some(output) = process.stdout.take() {
            tokio::spawn(relay(console.clone(), self.name.clone(), output));
        }
        if let Some(output) = process.stderr.take() {
            tokio::spawn(relay(console.clone(), self.name.clone(), output));
        }
        tokio::select! {
            biased;
            status = process.wait() => Ok(Some(status?)),
            () = stopping.cancelled() => {
                self.end(process, console).await?;
                Ok(None)
            }
        }
    }

    /// Asks the process to end, and kills it if it does not.
    async fn end(&self, mut process: process::Child, console: &Console) -> anyhow::Result<()> {
        if let Some(id) = process.id() {
            kill(Pid::from_raw(id.try_into()?), Signal::SIGTERM)?;
        }
        if timeout(END, process.wait()).await.is_err() {
            console.say(format_args!("{} does not end within {END:?}: killing it", self.name));
            process.kill().await?;
        }
        Ok(())
    }
}

/// Prints the output of a process, each line with the name of the process in front.
async fn relay(console: Console, name: String, output: impl AsyncRead + Unpin) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).await.is_ok_and(|bytes| bytes > 0) {
        console.relay(&name, line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
}
