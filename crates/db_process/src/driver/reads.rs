//! The readers: they carry out the reads that the core asks for, apart from it and from the links.
//!
//! ```text
//!   core's effect ----> queue ----> reader 1 .. 4: read, on a thread that may block; then core's event (lock)
//! ```
//!
//! A read that hangs holds up its reader, with the reads that it has taken, and nobody else: several where reads are quick, one where they are slow. What the batch holds that is not written yet a read need not see:
//! that is not committed, so the core has it in memory. The end of the node does not wait for reads.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use process::threads::{Blocking, Threads};
use protocol::view::Member;
use ring_core::node::NodeEvent;
use ring_core::store::{ReadError, ReadId, ReadRows, ReadWhat, StoredRows};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Driver;
use crate::run::RunError;

/// How many reads may be carried out at a time.
pub(crate) const READERS: usize = 4;

/// A reader takes this many reads at most before it tells what they have brought: one takes the lock for all.
const READS_MAX: usize = 16;

/// A read that takes longer is slow: a reader whose reads were, takes one at a time, so that none waits for another.
const SLOW: Duration = Duration::from_micros(500);

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

    /// Takes a reader's share of the reads, so many at most; waits until there is one.
    async fn take(&self, reads_max: usize) -> Vec<Read> {
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
            let mut reads_max = READS_MAX;
            loop {
                let reads = self.reads.take(reads_max).await;
                let (began, slow) =
                    (Instant::now(), SLOW * u32::try_from(reads.len()).unwrap_or(1));
                let driver = Arc::clone(&self);
                let read = threads.block_for(Blocking::Read, move || driver.carry_out_reads(reads));
                match read.await {
                    Some(Ok(returned)) => {
                        reads_max = if began.elapsed() > slow { 1 } else { READS_MAX };
                        self.have_returned(returned);
                    }
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
