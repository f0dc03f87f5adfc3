//! The readers: they carry out the reads that the core asks for, apart from it and from the links.
//!
//! ```text
//!   core's effect ----> queue ----> reader 1 .. 4: read, on a thread that may block; then core's event (lock)
//! ```
//!
//! A read that hangs holds up its reader, with the reads that it has taken, and nobody else. What the batch holds that is not written yet a read need not see:
//! that is not committed, so the core has it in memory. The end of the node does not wait for reads.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use process::threads::{Blocking, Threads};
use protocol::view::Member;
use ring::node::NodeEvent;
use ring::store::{ReadError, ReadId, ReadRows, ReadWhat, StoredRows};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Driver;
use crate::run::RunError;

/// How many reads may be carried out at a time.
pub(crate) const READERS: usize = 4;

/// A reader takes this many reads at most before it tells what they have brought: one takes the lock for all.
const READS_MAX: usize = 16;

/// A read that is to be carried out.
pub(super) struct Read {
    pub(super) read: ReadId,
    pub(super) member: Member,
    pub(super) what: ReadWhat,
}

/// What a read has brought.
type Returned = (Result<ReadRows, ReadError>, Read);

/// The reads that are to be carried out, in the order in which they were asked for.
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

    /// Takes a reader's share of the reads; waits until there is one.
    async fn take(&self) -> Vec<Read> {
        loop {
            let taken = self.take_some();
            if !taken.is_empty() {
                return taken;
            }
            self.added.notified().await;
        }
    }

    fn take_some(&self) -> Vec<Read> {
        let mut reads = self.lock();
        let share = reads.len().div_ceil(READERS).min(READS_MAX);
        let taken = reads.drain(..share).collect();
        if !reads.is_empty() {
            // The readers may have been told of several reads at once.
            self.added.notify_one();
        }
        taken
    }

    /// Reads are added and taken whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Read>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Carries out reads until `ending` is cancelled.
    pub(crate) async fn keep_reading(
        self: Arc<Self>,
        threads: Arc<dyn Threads>,
        ending: CancellationToken,
    ) {
        let reading = async {
            loop {
                let reads = self.reads.take().await;
                let driver = Arc::clone(&self);
                let read = threads.block_for(Blocking::Read, move || driver.carry_out_reads(reads));
                match read.await {
                    Some(Ok(returned)) => self.have_returned(returned),
                    Some(Err(reason)) => self.stop(reason),
                    // The process ends: nothing is carried out any more.
                    None => return,
                }
            }
        };
        tokio::select! {
            biased;
            () = ending.cancelled() => {}
            () = reading => {}
        }
    }

    fn carry_out_reads(&self, reads: Vec<Read>) -> Result<Vec<Returned>, RunError> {
        reads.into_iter().map(|read| Ok((self.carry_out_read(&read)?, read))).collect()
    }

    /// Tells the core what reads have brought. Entries may have been applied since.
    fn have_returned(&self, returned: Vec<Returned>) {
        let mut held = self.shared.lock_anyhow();
        let _hold = held.links.hold();
        for (result, Read { read, member, what }) in returned {
            let is_overtaken = self.store.end_read(read, (member, what), &result);
            held.teller.has_read(member, is_overtaken);
            self.handle(&mut held, [NodeEvent::Read { read, member, result }]);
        }
    }

    /// A panic would end this thread only, and whoever waits for the read would wait for ever.
    fn carry_out_read(&self, read: &Read) -> Result<Result<ReadRows, ReadError>, RunError> {
        let read = || self.store.read(read.member, &read.what);
        catch_unwind(AssertUnwindSafe(read)).map_err(|_| {
            error!("a read of the storage panicked");
            RunError::ReadPanicked
        })
    }
}
