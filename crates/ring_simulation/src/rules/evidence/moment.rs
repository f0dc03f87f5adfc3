//! The order of a gateway's events and probes.

/// The number of an event or of a probe of the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
