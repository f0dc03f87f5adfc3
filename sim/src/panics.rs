//! Panics: the message of the first one, and whether the harness caused it.

use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;

/// The first panic of this process.
static FIRST: Mutex<Option<Panic>> = Mutex::new(None);

/// A panic with its message and place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panic {
    message: String,
    place: String,
    /// Whether the harness panicked, and not the tested code.
    pub is_ours: bool,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a panic at {}: {}", self.place, self.message)
    }
}

/// Keeps the first panic from now on, and prints none: the verdict tells it.
pub fn keep() {
    panic::set_hook(Box::new(|info| {
        if let Ok(mut first) = FIRST.lock() {
            first.get_or_insert_with(|| read(info));
        }
    }));
}

/// The first panic of this process.
pub(crate) fn first() -> Option<Panic> {
    FIRST.lock().ok()?.clone()
}

fn read(info: &PanicHookInfo<'_>) -> Panic {
    let message = info.payload_as_str().unwrap_or("(no message)").to_owned();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let is_ours = place.starts_with("sim/") || place.contains("/turmoil-");
    Panic { message, place, is_ours }
}
