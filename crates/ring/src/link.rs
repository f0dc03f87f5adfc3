//! The names of links.

use std::sync::atomic::{AtomicU64, Ordering};

/// Names one link for as long as the process lives; a peer that connects again gets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Gives each link of a process its name.
#[derive(Debug, Default)]
pub struct LinkIds(AtomicU64);

impl LinkIds {
    /// A name that no link had before.
    pub fn next(&self) -> LinkId {
        LinkId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
