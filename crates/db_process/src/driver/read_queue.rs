//! The queue between the core and the [readers](super::reads).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::view::Member;
use ring_core::store::{ReadId, ReadWhat};
use tokio::sync::Notify;

/// How many reads may be carried out at a time.
pub(crate) const READERS: usize = 4;

/// A read to carry out.
pub(super) struct Read {
    pub(super) read: ReadId,
    pub(super) member: Member,
    pub(super) what: ReadWhat,
}

/// The pending reads, in the order of the core's requests.
#[derive(Default)]
pub(super) struct ReadQueue {
    reads: Mutex<VecDeque<Read>>,
    /// Wakes a reader.
    added: Notify,
}

impl ReadQueue {
    pub(super) fn add(&self, read: Read) {
        self.lock().push_back(read);
        self.added.notify_one();
    }

    /// Takes a reader's share of the reads, at most `reads_max`. Waits until there is a read.
    pub(super) async fn take(&self, reads_max: usize) -> Vec<Read> {
        loop {
            let taken = self.take_some(reads_max);
            if !taken.is_empty() {
                return taken;
            }
            self.added.notified().await;
        }
    }

    fn take_some(&self, reads_max: usize) -> Vec<Read> {
        let mut reads = self.lock();
        let share = reads.len().div_ceil(READERS).min(reads_max);
        let taken = reads.drain(..share).collect();
        if !reads.is_empty() {
            // One notification may stand for several reads: wake the next reader.
            self.added.notify_one();
        }
        taken
    }

    /// A panic cannot leave the queue half changed: reads are added and taken whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Read>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
