//! What is logged, and how it looks.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Logs every payload below INFO, and so the secret and users' records, whatever `RUST_LOG` asks for.
const LOGS_PAYLOADS: &str = "tungstenite";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// How log lines look
    #[arg(long, value_name = "FORMAT", env = "LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl LogArgs {
    /// Logs to standard error from now on: what `RUST_LOG` asks for, else what an operator wants to know.
    ///
    /// Does nothing where the process logs already, as in tests.
    pub fn start(&self) {
        let asked_for =
            EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
        // Where the log cannot be written, the process goes on without: it must not panic for it.
        let lines =
            tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
        let lines = match self.log_format {
            LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let no_payloads = filter_fn(may_be_logged);
        let subscriber = Registry::default().with(asked_for).with(lines.with_filter(no_payloads));
        if subscriber.try_init().is_err() {
            tracing::debug!("the process logs already");
        }
    }
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with(LOGS_PAYLOADS) || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_directive_brings_payloads_to_light() {
        let asked_for = EnvFilter::new("trace,tungstenite::protocol=trace");
        let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let writer = std::sync::Arc::clone(&written);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || Sink(std::sync::Arc::clone(&writer)))
            .with_filter(filter_fn(may_be_logged));
        let subscriber = Registry::default().with(asked_for).with(lines);
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "tungstenite::protocol", "a secret");
            tracing::trace!(target: "link", "a line");
        });
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(written.contains("a line") && !written.contains("a secret"), "{written}");
    }

    struct Sink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
