//! The signals and events that end a process in order.
//!
//! | event | first | again |
//! |---|---|---|
//! | SIGTERM, SIGINT (Ctrl-C), SIGQUIT (Ctrl-\\) | ends in order | ends at once |
//! | SIGHUP (the terminal is closed) | ends in order | ignored: see below |
//! | the end of standard input, with `--end-with-stdin` | ends in order | |
//!
//! A second SIGHUP is ignored because a shell and the kernel may both send one.
//!
//! If SIGHUP or SIGQUIT is ignored when the process starts, as under `nohup`, it stays ignored.
//! No signal is needed to read files again: the process follows every file that may change.

use std::os::fd::AsFd;
use std::{fs, io};

use anyhow::Context;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::exit;

/// The exit code of a process ended by a second signal.
const INTERRUPTED: i32 = 130;

/// The flag that ends a process without a signal.
#[derive(Debug, Clone, clap::Args)]
pub struct ShutdownArgs {
    /// End in order when standard input, a pipe, ends: `chainring dev` holds its other end, so
    /// its children end with it, however it ends
    #[arg(long, hide = true)]
    end_with_stdin: bool,
}

impl ShutdownArgs {
    /// A token, cancelled by the first signal or by the end of standard input.
    ///
    /// # Errors
    ///
    /// When the operating system does not let the process watch its signals; when
    /// `--end-with-stdin` is set and standard input is no pipe.
    pub fn start(&self) -> anyhow::Result<CancellationToken> {
        let shutdown = on_signal()?;
        if self.end_with_stdin {
            let stdin = io::stdin().as_fd().try_clone_to_owned()?;
            let stdin = pipe::Receiver::from_owned_fd(stdin)
                .context("--end-with-stdin takes a pipe as standard input")?;
            tokio::spawn(end_with(stdin, shutdown.clone()));
        }
        Ok(shutdown)
    }
}

/// A token, cancelled by the first signal that asks the process to end.
///
/// # Errors
///
/// When the operating system does not let the process watch its signals.
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = unless_ignored(SignalKind::quit())?;
    let mut hang_up = unless_ignored(SignalKind::hangup())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        loop {
            let (name, may_end_at_once) = tokio::select! {
                biased;
                _ = terminate.recv() => ("SIGTERM", true),
                _ = interrupt.recv() => ("SIGINT", true),
                () = received(&mut quit) => ("SIGQUIT", true),
                () = received(&mut hang_up) => ("SIGHUP", false),
            };
            if !token.is_cancelled() {
                info!("{name}: shutting down; another signal ends the process at once");
                token.cancel();
            } else if may_end_at_once {
                exit::at_once(INTERRUPTED);
            }
        }
    });
    Ok(shutdown)
}

/// Returns when the signal comes. Never returns if the signal is not watched.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

fn unless_ignored(kind: SignalKind) -> io::Result<Option<Signal>> {
    let is_ignored = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| is_ignored(&status, kind.as_raw_value()));
    if is_ignored { Ok(None) } else { signal(kind).map(Some) }
}

/// Whether a process ignores a signal, according to its `/proc/PID/status` (`proc_pid_status(5)`).
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

async fn end_with(mut stdin: pipe::Receiver, shutdown: CancellationToken) {
    let mut ignored = [0; 64];
    while stdin.read(&mut ignored).await.is_ok_and(|bytes| bytes > 0) {}
    if !shutdown.is_cancelled() {
        info!("shutting down with the process that started this one");
        shutdown.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_found_in_the_status_of_a_process() {
        let status = "Name:\tgateway\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000001001\n";
        let hang_up = SignalKind::hangup().as_raw_value();
        let quit = SignalKind::quit().as_raw_value();
        assert!(is_ignored(status, hang_up));
        assert!(!is_ignored(status, quit));
        assert!(!is_ignored("", hang_up));
    }
}
