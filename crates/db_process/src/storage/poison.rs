//! The guard against writes after the first failed write or sync.

use std::sync::OnceLock;

use super::StorageError;

/// Remembers the first failed write or sync of a handle.
///
/// A failed sync must not be tried again. The kernel drops the unwritable pages and reports the
/// loss only once, so a second try would succeed without the data (Rebello et al., *Can
/// Applications Recover from fsync Failures?*, USENIX ATC 2020).
#[derive(Debug, Default)]
pub(super) struct Poison {
    first: OnceLock<StorageError>,
}

impl Poison {
    /// Runs a write or sync, unless an earlier one failed. In this case the answer is the
    /// earlier error.
    pub(super) fn guard<T>(
        &self,
        step: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(error) = self.first.get() {
            return Err(error.clone());
        }
        step().inspect_err(|error| {
            // If two calls fail at the same time, only one error is remembered; both callers get
            // an error.
            let _ = self.first.set(error.clone());
        })
    }
}
