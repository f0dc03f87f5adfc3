//! The readers: they carry out the reads for the core, apart from it and from the links.
//!
//! ```text
//!   core's effect --> queue --> reader 1 .. 4: read, on a blocking thread --> core's event (lock)
//! ```
//!
//! A hanging read holds up its reader and the reads taken by it, and nothing else. A reader
//! takes several reads while reads are quick, and one while they are slow. A read need not see
//! the unwritten mutations in the batch: they are not committed, so the core has them in memory.
//! At its end the node waits for reads at most one second (`FAREWELL_MAX`).

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

/// The most reads to take before telling the core their results: one lock serves them all.
const READS_MAX: usize = 16;

/// The longest quick read. If the reads of a reader took longer on average, it takes one read at
/// a time, so that no read waits for another.
const SLOW: Duration = Duration::from_micros(500);

/// A read to carry out.
pub(super) struct Read {
    pub(super) read: ReadId,
    pub(super) member: Member,
    pub(super) what: ReadWhat,
}

/// The result of a read.
type Returned = (Result<ReadRows, ReadError>, Read);

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

    /// Tells the core the results of reads. Entries may have been applied since then.
    fn have_returned(&self, returned: Vec<Returned>) {
        let mut held = self.shared.lock_anyhow();
        let _hold = held.links.hold();
        for (result, Read { read, member, what }) in returned {
            let is_overtaken = self.store.end_read(read, (member, what), &result);
            held.teller.has_read(member, is_overtaken);
            self.handle(&mut held, [NodeEvent::Read { read, member, result }]);
        }
    }

    /// Carries out one read. Without the catch, a panic would end this thread only, and the core
    /// would wait for the read for ever.
    fn carry_out_read(&self, read: &Read) -> Result<Result<ReadRows, ReadError>, RunError> {
        let read = || self.store.read(read.member, &read.what);
        catch_unwind(AssertUnwindSafe(read)).map_err(|_| {
            error!("a read of the storage panicked");
            RunError::ReadPanicked
        })
    }
}
