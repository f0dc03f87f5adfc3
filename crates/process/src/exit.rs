//! How a process ends.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::log;

/// What a process exits with that failed.
const FAILED: i32 = 1;

/// How long the end of a process that failed may take.
const END_MAX: Duration = Duration::from_secs(2);

/// What a process exits with. Where it failed, it says why on standard error, causes included, in one line.
///
/// Waits for the reader of the log, but not for long.
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

/// Ends a process that failed, wherever its other threads are.
pub fn failed(why: &impl fmt::Display) -> ! {
    say_why(why);
    std::process::exit(FAILED)
}

/// The last words of a process that failed, which is about to end.
fn say_why(why: &impl fmt::Display) {
    log::last_words(&format_args!("error: {why}"));
    end_within(END_MAX);
}

/// Sees to it that the process ends although a disk does not answer: what runs at its end waits for threads that are stuck
/// in calls into that disk.
#[allow(clippy::disallowed_methods, reason = "no part of what the simulation runs")]
fn end_within(time: Duration) {
    let kill = move || {
        std::thread::sleep(time);
        // Nothing is left to be done about it if that fails.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    };
    let _ = std::thread::Builder::new().name("the end".to_owned()).spawn(kill);
}

/// Ends the process now, once the reader of the log has it, or has had a second for it.
pub fn at_once(code: i32) -> ! {
    log::flush();
    std::process::exit(code)
}
