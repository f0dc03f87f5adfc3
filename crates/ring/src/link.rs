//! The name of a link.

/// Names one link for as long as the process lives; a peer that connects again gets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);
