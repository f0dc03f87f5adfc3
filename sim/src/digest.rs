//! A digest of all events of a run. Two runs with the same digest went the same way.

use std::fmt::{self, Write};

use xxhash_rust::xxh3::Xxh3;

use crate::seen::{Moment, Seen};

/// Digests events, one after the other.
#[derive(Default)]
pub struct Digest(Xxh3);

impl Digest {
    /// Adds an event.
    pub fn add(&mut self, at: Moment, seen: &Seen) {
        // The hasher takes everything.
        let _ = write!(Into(&mut self.0), "{at:?} {seen:?}");
    }

    /// The digest, as 16 hexadecimal digits.
    pub fn finish(&self) -> String {
        format!("{:016x}", self.0.digest())
    }
}

/// Writes text into a hasher.
struct Into<'a>(&'a mut Xxh3);

impl Write for Into<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::host::Host;
    use crate::seen::WorldDid;

    #[test]
    fn events_and_their_times_and_their_order_count() {
        let digest = |events: &[(u64, usize)]| {
            let mut digest = Digest::default();
            for (ms, node) in events {
                let starts = Seen::World(WorldDid::Starts(Host::Node(*node)));
                digest.add(Moment(Duration::from_millis(*ms)), &starts);
            }
            digest.finish()
        };
        assert_eq!(digest(&[(1, 0), (1, 1)]), digest(&[(1, 0), (1, 1)]));
        for other in [&[(1, 1), (1, 0)][..], &[(1, 0), (2, 1)], &[(1, 0)], &[]] {
            assert_ne!(digest(&[(1, 0), (1, 1)]), digest(other));
        }
    }
}
