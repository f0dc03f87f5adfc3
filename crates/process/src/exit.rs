//! The end of a process.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::log;

/// The exit code of a failed process.
const FAILED: i32 = 1;

/// The longest time for the end of a failed process, after its last words.
const END_MAX: Duration = Duration::from_secs(2);

/// The exit code of a process. A failed process also writes the error, causes included, to
/// standard error, in one line.
///
/// This waits for the reader of the log, for a second at most.
pub fn code(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => {
            log::flush();
            ExitCode::SUCCESS
        }
        Err(error) => {
            say_why(&format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Ends a failed process, whatever its other threads are doing.
pub fn failed(why: &impl fmt::Display) -> ! {
    say_why(why);
    std::process::exit(FAILED)
}

/// Writes the last words of a failed process, shortly before its end.
fn say_why(why: &impl fmt::Display) {
    log::last_words(&format_args!("error: {why}"));
    end_within(END_MAX);
}

/// Makes sure that the process ends even if a disk does not answer. The normal end of a process
/// waits for threads, and these may be stuck in calls into that disk.
#[allow(clippy::disallowed_methods, reason = "no part of what the simulation runs")]
fn end_within(time: Duration) {
    let kill = move || {
        std::thread::sleep(time);
        // If this fails, nothing more can be done.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    };
    let _ = std::thread::Builder::new().name("the end".to_owned()).spawn(kill);
}

/// Ends the process now. It first waits until the reader has the whole log, for a second at most.
pub fn at_once(code: i32) -> ! {
    log::flush();
    std::process::exit(code)
}
