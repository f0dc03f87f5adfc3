//! A process, kept running.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use launch::{Ended, Process, Program};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::{Instant, sleep};
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
pub(super) struct Child(pub(super) Program);

impl Child {
    /// Starts the process, and starts it again whenever it dies. Returns when `stopping` is
    /// cancelled, or after [too many](FALSE_STARTS_MAX) [short lives](STARTED) in a row.
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
                console.say(format_args!("{} has died ({ended})", self.0.name));
                break;
            }
            console.say(format_args!(
                "{} has died ({ended}); starting it again in {PAUSE:?}",
                self.0.name
            ));
            stopping.run_until_cancelled(sleep(PAUSE)).await;
        }
        if !stopping.is_cancelled() {
            console.say(format_args!("{} does not start: giving up", self.0.name));
        }
    }

    /// Runs the process until it dies, and returns its exit status. Returns `None` if
    /// `stopping` is cancelled first.
    async fn run_once(
        &self,
        console: &Console,
        stopping: &CancellationToken,
    ) -> anyhow::Result<Option<ExitStatus>> {
        let mut command = self.0.command();
        command
            .arg("--end-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Gives the process a group of its own. So Ctrl-C reaches only this program, and this
        // program stops the others in order.
        command.process_group(0);
        let mut process = Process::start(command)?;
        // The operating system closes this pipe when this program is gone, for whatever reason.
        let _stdin = process.stdin();
        if let Some(output) = process.stdout() {
            tokio::spawn(relay(console.clone(), self.0.name.clone(), output));
        }
        if let Some(output) = process.stderr() {
            tokio::spawn(relay(console.clone(), self.0.name.clone(), output));
        }
        tokio::select! {
            biased;
            status = process.wait() => Ok(Some(status?)),
            () = stopping.cancelled() => {
                if process.end(END).await? == Ended::Killed {
                    let name = &self.0.name;
                    console.say(format_args!("{name} did not end within {END:?}: killed it"));
                }
                Ok(None)
            }
        }
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
