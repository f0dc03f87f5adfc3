//! The ids of links.

use std::sync::atomic::{AtomicU64, Ordering};

/// The id of one link, unique for the life of the process. A peer gets a new id for each
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Gives an id to each link of a process.
#[derive(Debug, Default)]
pub struct LinkIds(AtomicU64);

impl LinkIds {
    /// A new id, never given to a link before.
    pub fn next(&self) -> LinkId {
        LinkId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
