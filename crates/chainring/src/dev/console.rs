//! The output of a development cluster: its own lines and those of its processes. A blocked
//! terminal, or a pipe without a reader, stops none of the processes.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use process::lines::Lines;

/// How long [`finish`](Console::finish) waits until the last lines are printed.
const LAST_LINES_MAX: Duration = Duration::from_secs(1);

/// Standard output, for all processes. A clone is the same console.
#[derive(Debug, Clone)]
pub(super) struct Console(Lines);

impl Console {
    /// Starts to print.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system cannot start a thread.
    pub(super) fn start() -> io::Result<Self> {
        let lines = Lines::start("console", io::stdout(), |output, lines| {
            writeln!(
                output,
                "chainring | {lines} lines were dropped here, as nobody read them in time"
            )
        })?;
        Ok(Self(lines))
    }

    /// Prints a line of `chainring dev` itself.
    pub(super) fn say(&self, line: impl fmt::Display) {
        self.0.push(format!("chainring | {line}\n").as_bytes());
    }

    /// Prints a line of one of the processes.
    pub(super) fn relay(&self, process: &str, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.0.push(format!("{process:9} | {line}\n").as_bytes());
    }

    /// Waits until all lines are printed, but only for a short time.
    pub(super) fn finish(&self) {
        self.0.flush(LAST_LINES_MAX);
    }
}
