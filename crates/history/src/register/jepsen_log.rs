//! Reads the log of Jepsen's etcd test.
//!
//! ```text
//! INFO  jepsen.util - 3    :invoke    :cas    [2 4]
//! INFO  jepsen.util - 3    :ok        :cas    [2 4]
//! ```
//!
//! `:ok` is done and `:info` unknown (it timed out). `:fail` means that the operation did not
//! happen. For a compare-and-set it is an answer: the register had another value.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Input, Output, RegisterHistory};
use crate::history::{Event, History, HistoryError};
use crate::operation::{ClientId, OperationId, Outcome};

/// Why a log could not be read. Lines count from 1.
#[derive(Debug, Error)]
pub enum JepsenLogError {
    /// A line is not `INFO jepsen.util - PROCESS :TYPE :OPERATION VALUE`, or its value does not
    /// fit its operation.
    #[error("line {line} is not an event of a register: {text:?}")]
    Malformed {
        /// The line.
        line: usize,
        /// Its text.
        text: String,
    },
    /// A process completes an operation without an invocation.
    #[error("line {line} completes an operation that process {process} has not invoked")]
    NothingOpen {
        /// The line.
        line: usize,
        /// The process.
        process: u64,
    },
    /// The events contradict each other.
    #[error(transparent)]
    Contradiction(#[from] HistoryError),
}

/// Reads a log. A log has no times: the event on line *n* happens at *n* nanoseconds.
///
/// # Errors
///
/// The first line that is no event of a register.
pub fn parse_jepsen_log(text: &str) -> Result<RegisterHistory, JepsenLogError> {
    let mut events = Vec::new();
    let mut open: BTreeMap<u64, (OperationId, Input)> = BTreeMap::new();
    let mut operation_count = 0;
    for (line, time_ns, text) in text.lines().zip(1_u64..).map(|(text, n)| (n as usize, n, text)) {
        let malformed = || JepsenLogError::Malformed { line, text: text.to_owned() };
        let parsed = parse_line(text).ok_or_else(malformed)?;
        let process = parsed.process;
        if parsed.kind == ":invoke" {
            let input = parse_input(&parsed).ok_or_else(malformed)?;
            let operation = OperationId(operation_count);
            operation_count += 1;
            open.insert(process, (operation, input));
            events.push(Event::Invocation { client: ClientId(process), operation, time_ns, input });
        } else {
            let (operation, input) =
                open.remove(&process).ok_or(JepsenLogError::NothingOpen { line, process })?;
            events.push(Event::Completion {
                operation,
                time_ns,
                outcome: parse_outcome(&parsed, input).ok_or_else(malformed)?,
            });
        }
    }
    Ok(History::from_events(events)?)
}

/// The parts of a line. The value may contain blanks.
struct Line<'a> {
    process: u64,
    kind: &'a str,
    operation: &'a str,
    value: Vec<&'a str>,
}

fn parse_line(text: &str) -> Option<Line<'_>> {
    let mut words = text.split_whitespace();
    for expected in ["INFO", "jepsen.util", "-"] {
        if words.next()? != expected {
            return None;
        }
    }
    Some(Line {
        process: words.next()?.parse().ok()?,
        kind: words.next()?,
        operation: words.next()?,
        value: words.collect(),
    })
}

fn parse_input(line: &Line<'_>) -> Option<Input> {
    match (line.operation, line.value.as_slice()) {
        (":read", ["nil"]) => Some(Input::Read),
        (":write", [value]) => Some(Input::Write(value.parse().ok()?)),
        (":cas", [from, to]) => Some(Input::CompareAndSet {
            from: from.strip_prefix('[')?.parse().ok()?,
            to: to.strip_suffix(']')?.parse().ok()?,
        }),
        _ => None,
    }
}

fn parse_outcome(line: &Line<'_>, input: Input) -> Option<Outcome<Output>> {
    match (line.kind, line.operation, input) {
        (":ok", ":read", Input::Read) => Some(Outcome::Done(Output::Value(parse_value(line)?))),
        (":ok", ":write", Input::Write(_)) | (":ok", ":cas", Input::CompareAndSet { .. }) => {
            Some(Outcome::Done(Output::Set))
        }
        (":fail", ":cas", Input::CompareAndSet { .. }) => Some(Outcome::Done(Output::Different)),
        (":fail", ":read", Input::Read) | (":fail", ":write", Input::Write(_)) => {
            Some(Outcome::NotDone)
        }
        (":info", ":read", Input::Read)
        | (":info", ":write", Input::Write(_))
        | (":info", ":cas", Input::CompareAndSet { .. }) => Some(Outcome::Unknown),
        _ => None,
    }
}

fn parse_value(line: &Line<'_>) -> Option<Option<i64>> {
    match line.value.as_slice() {
        ["nil"] => Some(None),
        [value] => Some(Some(value.parse().ok()?)),
        _ => None,
    }
}
