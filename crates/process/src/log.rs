//! What is logged, and how it looks.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

/// Below this level tungstenite logs every payload, and so users' records, whatever `RUST_LOG` asks for.
const NO_PAYLOADS: &str = "tungstenite=info";

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
        let filter = EnvFilter::builder()
            .with_default_directive(LevelFilter::INFO.into())
            .from_env_lossy()
            .add_directive(no_payloads());
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        let started = match self.log_format {
            LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
            LogFormat::Json => builder.json().try_init(),
        };
        if started.is_err() {
            tracing::debug!("the process logs already");
        }
    }
}

fn no_payloads() -> Directive {
    NO_PAYLOADS
        .parse()
        .unwrap_or_else(|error| unreachable!("{NO_PAYLOADS} is a directive: {error}"))
}
