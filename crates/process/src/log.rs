//! The log and its format.
//!
//! Lines go to standard error through a queue ([`Lines`]), so the writer of a line never waits
//! for its reader.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Stderr, Write};
use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, panic, thread};

use tracing::{Dispatch, Level, Metadata, Subscriber, warn};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::lines::Lines;

/// This crate logs every payload below INFO, and so the secret and users' records. These lines
/// are suppressed, whatever `RUST_LOG` asks for.
const LOGS_PAYLOADS: &str = "tungstenite";

/// The longest time for which the end of a process waits for the reader of its log.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// The log of this process, once it has started.
static LOG: OnceLock<Lines> = OnceLock::new();

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// The flags of the log.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// Format of log lines
    #[arg(long, value_name = "FORMAT", env = "CHAINRING_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl LogArgs {
    /// Logs to standard error from now on, panics included. `RUST_LOG` selects the lines; its
    /// default is INFO.
    ///
    /// Does nothing if the process logs already, as in tests.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start(&self) -> io::Result<()> {
        let format = self.log_format;
        let tell_dropped = move |_: &mut Stderr, lines| {
            tell_dropped(format, lines);
            Ok(())
        };
        let lines = Lines::start("log", io::stderr(), tell_dropped)?;
        let asked_for =
            EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
        let log = lines.clone();
        let layer = format.layer(move || log.clone()).with_filter(filter_fn(may_be_logged));
        if Registry::default().with(asked_for).with(layer).try_init().is_err() {
            tracing::debug!("the process logs already");
            return Ok(());
        }
        tell_panics(lines.clone());
        LOG.get_or_init(|| lines);
        Ok(())
    }
}

impl LogFormat {
    fn layer<S, W>(self, writer: W) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
        W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        // If the log cannot be written, the process goes on without it. It must not panic for that.
        let lines = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
        match self {
            Self::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
            Self::Json => lines.json().boxed(),
        }
    }
}

/// The number of log lines dropped because nobody read them in time.
pub fn lines_dropped() -> u64 {
    LOG.get().map_or(0, Lines::dropped)
}

/// Writes the last words of a process, whatever the level of the log, and waits for them as
/// [`flush`] does.
pub fn last_words(words: &impl fmt::Display) {
    let words = format!("{words}\n");
    match LOG.get() {
        Some(log) => log.push(words.as_bytes()),
        // If standard error does not work, nobody can be told.
        None => drop(io::stderr().write_all(words.as_bytes())),
    }
    flush();
}

/// Waits until the reader has the whole log, for a second at most.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.flush(LAST_WORDS_MAX);
    }
}

/// Reports missing lines in the log's own format, but not through its queue.
fn tell_dropped(format: LogFormat, lines: u64) {
    let subscriber = Registry::default().with(LevelFilter::WARN).with(format.layer(io::stderr));
    tracing::dispatcher::with_default(&Dispatch::new(subscriber), || {
        warn!(lines, "{lines} lines of the log were dropped here, as nobody read them in time");
    });
}

/// Reports panics as the standard library does, but through the queue.
fn tell_panics(log: Lines) {
    panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        let mut story = format!("thread '{}' {panic}\n", thread.name().unwrap_or("<unnamed>"));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            story.push_str(&format!("stack backtrace:\n{backtrace}"));
        }
        log.push(story.as_bytes());
        // The process may end after this panic, so wait for the reader.
        log.flush(LAST_WORDS_MAX);
    }));
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
        let lines = LogFormat::Text
            .layer(move || Sink(std::sync::Arc::clone(&writer)))
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
