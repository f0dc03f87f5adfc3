//! Versions of the protocol: the versions of one process, and the choice of one for two processes.
//!
//! A version names the form of every message on every link, so messages need no versions of
//! their own. Two processes use the highest version common to both. A release with changed
//! messages raises the highest version. While it also speaks the version before, nodes and
//! gateway can be upgraded one after the other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The versions spoken by a process: all from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The lowest version.
    pub lowest: Version,
    /// The highest version.
    pub highest: Version,
}

impl Versions {
    /// The versions spoken by this release.
    pub const SPOKEN: Self = Self { lowest: Version(6), highest: Version(6) };

    /// The version for two processes: the highest one common to both. None if they have none in
    /// common.
    pub fn common(self, other: Self) -> Option<Version> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }

    /// Whether a process with these versions speaks this one.
    pub fn include(self, version: Version) -> bool {
        (self.lowest..=self.highest).contains(&version)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lowest, highest } = self;
        if lowest == highest { highest.fmt(f) } else { write!(f, "{lowest} to {highest}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn versions(lowest: u16, highest: u16) -> Versions {
        Versions { lowest: Version(lowest), highest: Version(highest) }
    }

    #[test]
    fn the_highest_version_that_both_speak_is_used() {
        for (one, other, common) in [
            (versions(5, 5), versions(5, 5), Some(5)),
            (versions(5, 7), versions(6, 9), Some(7)),
            (versions(1, 9), versions(3, 4), Some(4)),
            (versions(5, 6), versions(7, 8), None),
        ] {
            assert_eq!(one.common(other), common.map(Version), "{one} and {other}");
            assert_eq!(other.common(one), common.map(Version), "{other} and {one}");
        }
    }

    #[test]
    fn what_a_process_speaks_is_said_in_few_words() {
        assert_eq!(versions(5, 5).to_string(), "5");
        assert_eq!(versions(5, 7).to_string(), "5 to 7");
    }

    proptest! {
        #[test]
        fn a_common_version_is_spoken_by_both(a: u16, b: u16, c: u16, d: u16) {
            let (one, other) = (versions(a.min(b), a.max(b)), versions(c.min(d), c.max(d)));
            match one.common(other) {
                Some(common) => prop_assert!(one.include(common) && other.include(common)),
                None => prop_assert!(one.highest < other.lowest || other.highest < one.lowest),
            }
        }
    }
}
