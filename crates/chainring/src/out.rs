//! What the commands print. A reader that has seen enough (`chainring status | head -1`) is no error: the command ends
//! quietly, with the exit code that it would have had.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use anyhow::Context;
use tokio::io::Interest;
use tokio::net::unix::pipe;

/// Whether anybody reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As far as is known.
    Reads,
    /// The other end of the pipe is closed.
    Gone,
}

/// Prints text to standard output, all at once.
///
/// # Errors
///
/// When it cannot be written, otherwise than for want of a reader: what is printed may matter.
pub(crate) fn print(text: impl fmt::Display) -> anyhow::Result<Reader> {
    let mut output = io::stdout().lock();
    match output.write_all(format!("{text}\n").as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(Reader::Reads),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error).context("standard output cannot be written"),
    }
}

/// Says something beside, on standard error, if anybody listens there.
pub(crate) fn remark(text: impl fmt::Display) {
    // All at once, so that no other process comes in between.
    drop(io::stderr().write_all(format!("{text}\n").as_bytes()));
}

/// Returns when nobody reads standard output any more; never, where it is no pipe.
pub(crate) async fn reader_is_gone() {
    // Nothing is written with it, so the pipe's mode stays as it is.
    let watched = io::stdout().as_fd().try_clone_to_owned();
    let watched = watched.and_then(pipe::Sender::from_owned_fd_unchecked);
    // Files cannot be watched, and need not be.
    if let Ok(output) = watched
        && output.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
