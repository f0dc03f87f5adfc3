//! A core behind a lock, for every task with events for it, and the core's timer.
//!
//! After a panic under the lock, the state of the core must not be used any more. From then on
//! [`Shared::lock`] panics too, and the tasks waiting in [`Shared::broken`] end the process.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring_core::time::Time;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// A core and the data used together with it, behind a lock.
#[derive(Debug)]
pub struct Shared<T> {
    locked: Mutex<Locked<T>>,
    /// Signals that the timer is now set to an earlier time.
    is_earlier: Notify,
    broken: CancellationToken,
}

#[derive(Debug)]
struct Locked<T> {
    core: T,
    /// The time for which the timer waits.
    timer_at: Option<Time>,
}

/// The held lock. A panic while it is held breaks the core.
#[derive(Debug)]
pub struct Held<'a, T> {
    locked: MutexGuard<'a, Locked<T>>,
    shared: &'a Shared<T>,
}

impl<T> Shared<T> {
    /// Puts a core behind a lock.
    pub fn new(core: T) -> Self {
        let locked = Mutex::new(Locked { core, timer_at: None });
        Self { locked, is_earlier: Notify::new(), broken: CancellationToken::new() }
    }

    /// Takes the lock.
    ///
    /// # Panics
    ///
    /// When there was a panic while the lock was held.
    pub fn lock(&self) -> Held<'_, T> {
        let locked = self.locked.lock();
        let locked = locked.unwrap_or_else(|_| panic!("the core broke an assertion before"));
        Held { locked, shared: self }
    }

    /// Takes the lock, even after a panic: for the data behind it that does not depend on the core.
    pub fn lock_anyhow(&self) -> Held<'_, T> {
        let locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        Held { locked, shared: self }
    }

    /// Whether there was a panic while the lock was held.
    pub fn is_broken(&self) -> bool {
        self.broken.is_cancelled()
    }

    /// Returns when there has been a panic while the lock was held.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Returns at the core's deadline. The deadline may move meanwhile. If it moves to an
    /// earlier time ([`Held::set_timer`]), this returns then. If it moves to a later time, this
    /// still returns at the old one, too early.
    ///
    /// # Panics
    ///
    /// When there was a panic while the lock was held.
    pub async fn due(&self, clock: &Clock, deadline: impl Fn(&T) -> Option<Time>) {
        loop {
            let timer_at = {
                let locked = &mut *self.lock().locked;
                locked.timer_at = deadline(&locked.core);
                locked.timer_at
            };
            tokio::select! {
                biased;
                () = self.is_earlier.notified() => {}
                () = clock.sleep_until(timer_at) => return,
            }
        }
    }
}

impl<T> Held<'_, T> {
    /// Sets the timer to the core's deadline, if that is earlier than the time set before.
    pub fn set_timer(&mut self, deadline: Option<Time>) {
        let Some(deadline) = deadline else { return };
        if self.locked.timer_at.is_none_or(|timer_at| deadline < timer_at) {
            self.locked.timer_at = Some(deadline);
            self.shared.is_earlier.notify_one();
        }
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.locked.core
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.locked.core
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.broken.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::time::Duration;

    use process::clock::SystemClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken_at_an_earlier_deadline() {
        let clock = Clock::start(Arc::new(SystemClock));
        let at = |seconds| Some(Time::at(Duration::from_secs(seconds)));
        let shared = Arc::new(Shared::new(at(60)));
        let due = tokio::spawn({
            let (shared, clock) = (Arc::clone(&shared), clock.clone());
            async move { shared.due(&clock, |deadline| *deadline).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        for deadline in [at(2), at(90)] {
            let mut held = shared.lock();
            *held = at(2);
            held.set_timer(deadline);
        }
        due.await.unwrap();
        assert_eq!(Some(clock.now()), at(2));
    }

    #[tokio::test]
    async fn a_panic_while_the_lock_is_held_is_told() {
        let shared = Shared::new(());
        let panics = catch_unwind(AssertUnwindSafe(|| {
            let _held = shared.lock();
            panic!("as a core does");
        }));
        assert!(panics.is_err() && shared.is_broken());
        shared.broken().await;
        drop(shared.lock_anyhow());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(shared.lock()))).is_err());
    }
}
