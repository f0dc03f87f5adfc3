//! After the first failed write or sync nothing more is written.

use std::sync::OnceLock;

use super::StorageError;

/// Remembers the first failed write or sync of a handle.
///
/// A failed sync must not be tried again: the kernel drops the pages that it could not write and reports
/// that once, so that the second try would succeed without the data being there
/// (Rebello et al., *Can Applications Recover from fsync Failures?*, USENIX ATC 2020).
#[derive(Debug, Default)]
pub(super) struct Poison {
    first: OnceLock<StorageError>,
}

impl Poison {
    /// Runs a write or sync, unless an earlier one failed; then that one's error is the answer.
    pub(super) fn guard<T>(
        &self,
        step: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(error) = self.first.get() {
            return Err(error.clone());
        }
        step().inspect_err(|error| {
            // If two fail at the same time, one of them was first; both callers hear an error.
            let _ = self.first.set(error.clone());
        })
    }
}
