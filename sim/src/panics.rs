//! Panics: what the first one said, and whose it was.

use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;

/// The first panic of this process.
static FIRST: Mutex<Option<Panic>> = Mutex::new(None);

/// What a panic said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panic {
    message: String,
    place: String,
    /// Whether it is the harness that panicked, and not what it tests.
    pub is_ours: bool,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a panic at {}: {}", self.place, self.message)
    }
}

/// Keeps the first panic from now on, and prints none: the verdict tells of it.
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
