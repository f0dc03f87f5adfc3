//! How a process ends.

use std::process::ExitCode;

use crate::log;

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
            log::last_words(&format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Ends the process now, once the reader of the log has it, or has had a second for it.
pub fn at_once(code: i32) -> ! {
    log::flush();
    std::process::exit(code)
}
