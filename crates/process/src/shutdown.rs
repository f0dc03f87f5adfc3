//! The signals that end a process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT (Ctrl-C). The second one ends the process at once.
///
/// # Errors
///
/// When the operating system does not let the process watch its signals.
pub fn on_signal() -> io::Result<CancellationToken> {
    const INTERRUPTED: i32 = 130;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                std::process::exit(INTERRUPTED);
            }
            tracing::info!("shutting down; another signal ends the process at once");
            token.cancel();
        }
    });
    Ok(shutdown)
}
