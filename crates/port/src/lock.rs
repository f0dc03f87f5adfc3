//! Locks that outlive a panic of whoever held them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a holder panicked. For data that is whole between statements: a connection
/// that can still be closed is better than a second panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
