//! How a process ends.

use std::process::ExitCode;

/// What a process exits with. Where it failed, it says why on standard error, causes included, in one line.
pub fn code(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the last words of a process, whatever is logged"
            )]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
