//! The output of the commands. A reader may stop early (`chainring status | head -1`). That is
//! no error: the command ends quietly, with its usual exit code.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use anyhow::Context;
use tokio::io::Interest;
use tokio::net::unix::pipe;

/// Whether standard output still has a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// There is a reader, as far as known.
    Reads,
    /// The other end of the pipe is closed.
    Gone,
}

/// Prints text to standard output, in one piece.
///
/// # Errors
///
/// Returns an error if the text cannot be written, because it may matter. A closed pipe is no
/// error.
pub(crate) fn print(text: impl fmt::Display) -> anyhow::Result<Reader> {
    let mut output = io::stdout().lock();
    match output.write_all(format!("{text}\n").as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(Reader::Reads),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error).context("standard output cannot be written"),
    }
}

/// Prints a remark to standard error, if there is a reader.
pub(crate) fn remark(text: impl fmt::Display) {
    // In one piece, so that no output of another process comes in between.
    drop(io::stderr().write_all(format!("{text}\n").as_bytes()));
}

/// Returns when standard output has no reader any more. Never returns if it is not a pipe.
pub(crate) async fn reader_is_gone() {
    // This sender never writes, so the mode of the pipe need not change.
    let watched = io::stdout().as_fd().try_clone_to_owned();
    let watched = watched.and_then(pipe::Sender::from_owned_fd_unchecked);
    // A file cannot be watched, and need not be.
    if let Ok(output) = watched
        && output.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
