//! A sync in two steps, for simulations: a real sync takes time, and covers the writes before its
//! begin.

use std::sync::Arc;

use super::{Storage, StorageError};

/// Ends a sync: the covered writes are durable if it succeeds.
pub type EndSync = Box<dyn FnOnce() -> Result<(), StorageError> + Send>;

/// A storage with syncs in two steps.
pub trait BeginsSync: Storage {
    /// Begins a sync. It covers every write so far, and no later one.
    fn begin_sync(self: Arc<Self>) -> EndSync;
}
