//! The output of a run while it runs.

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sim::child::ShowKind;
use sim::seen::{Listen, Log, Seen};
use sim::timeline;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The output of a run.
pub(crate) struct Show {
    kind: ShowKind,
    out: Out,
}

impl Show {
    pub(crate) fn new(kind: ShowKind) -> Self {
        Self { kind, out: Out(Arc::new(Mutex::new(BufWriter::new(io::stdout())))) }
    }

    /// Listens to the events of processes, and writes the trace if it is asked for.
    pub(crate) fn start(&self, log: &Log) {
        let told = Targets::new().with_target(service::events::TARGET, LevelFilter::DEBUG);
        let listen = Listen(log.clone()).with_filter(told);
        let lines = (self.kind == ShowKind::Trace).then(|| {
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_timer(SimulatedTime(log.clone()))
                .with_writer(self.out.clone())
                .with_filter(LevelFilter::TRACE)
        });
        // Nobody else has set a subscriber in this process.
        let _ = Registry::default().with(listen).with(lines).try_init();
    }

    /// Shows an event, by its line.
    pub(crate) fn show(&self, seen: &Seen, line: impl FnOnce() -> String) {
        let is_shown = match self.kind {
            ShowKind::Nothing => false,
            ShowKind::Timeline => timeline::is_news(seen),
            ShowKind::Everything | ShowKind::Trace => true,
        };
        if is_shown {
            self.out.line(&line());
        }
    }

    pub(crate) fn finish(&self) {
        self.out.flush();
    }
}

/// Prints a line.
pub(crate) fn print(line: &str) {
    // The reader may be gone.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line for people, to standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output, with a buffer.
#[derive(Clone)]
struct Out(Arc<Mutex<BufWriter<Stdout>>>);

impl Out {
    fn line(&self, line: &str) {
        let _ = writeln!(self.0.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
    }

    fn flush(&self) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Out {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The simulated time, instead of the clock.
struct SimulatedTime(Log);

impl FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", self.0.now())
    }
}
