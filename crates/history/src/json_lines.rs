//! Histories as JSON Lines: one event a line, in real-time order.
//!
//! ```json
//! {"invocation":{"client":2,"operation":7,"time_ns":1500,"input":{"read":{"id":"u1"}}}}
//! {"completion":{"operation":7,"time_ns":2500,"outcome":{"done":"not_found"}}}
//! {"completion":{"operation":8,"time_ns":2600,"outcome":"unknown"}}
//! ```

use std::io::{self, BufRead, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::history::{Event, History, HistoryError, Validation};

/// Why a history could not be saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// An input or output has no form in JSON (a map with keys other than strings, for example).
    #[error("event {line} has no form in JSON: {source}")]
    Encode {
        /// The line of the event, counted from 1.
        line: usize,
        /// The error of `serde_json`.
        source: serde_json::Error,
    },
    /// The writer failed.
    #[error("cannot write the history: {0}")]
    Io(#[from] io::Error),
}

/// Why a history could not be loaded. Lines count from 1.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A line is not an event. A killed run may leave such a last line.
    #[error("line {line} is not an event of a history: {source}")]
    Malformed {
        /// The line.
        line: usize,
        /// The error of `serde_json`.
        source: serde_json::Error,
    },
    /// A line is an event that contradicts the lines before it.
    #[error("line {line} contradicts the lines before it: {source}")]
    Contradiction {
        /// The line.
        line: usize,
        /// The contradiction.
        source: HistoryError,
    },
    /// The reader failed, or a line is not UTF-8.
    #[error("cannot read line {line} of the history: {source}")]
    Io {
        /// The line.
        line: usize,
        /// The error of the reader.
        source: io::Error,
    },
}

impl<I: Serialize, O: Serialize> History<I, O> {
    /// Writes one line of JSON for each event. Hand in a buffered writer if speed matters.
    ///
    /// # Errors
    ///
    /// The writer's error, or an event without a form in JSON.
    pub fn save(&self, mut writer: impl Write) -> Result<(), SaveError> {
        for (index, event) in self.events().iter().enumerate() {
            let text = serde_json::to_string(event)
                .map_err(|source| SaveError::Encode { line: index + 1, source })?;
            writeln!(writer, "{text}")?;
        }
        writer.flush()?;
        Ok(())
    }
}

impl<I: DeserializeOwned, O: DeserializeOwned> History<I, O> {
    /// Reads a file of [`History::save`]. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// The first line that cannot be read, is not an event, or contradicts those before it.
    pub fn load(reader: impl BufRead) -> Result<Self, LoadError> {
        let mut validation = Validation::default();
        let mut events = Vec::new();
        for (index, text) in reader.lines().enumerate() {
            let line = index + 1;
            let text = text.map_err(|source| LoadError::Io { line, source })?;
            if text.trim().is_empty() {
                continue;
            }
            let event: Event<I, O> = serde_json::from_str(&text)
                .map_err(|source| LoadError::Malformed { line, source })?;
            validation
                .accept(&event)
                .map_err(|source| LoadError::Contradiction { line, source })?;
            events.push(event);
        }
        Ok(History::from_valid_events(events))
    }
}
