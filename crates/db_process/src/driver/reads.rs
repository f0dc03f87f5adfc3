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

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use process::threads::{Blocking, Threads};
use ring_core::node::NodeEvent;
use ring_core::store::{ReadError, ReadRows, StoredRows};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Driver;
use super::read_queue::Read;
use crate::error::RunError;
use crate::store::Store;

/// The most reads to take before telling the core their results: one lock serves them all.
const READS_MAX: usize = 16;

/// The longest quick read. If the reads of a reader took longer on average, it takes one read at
/// a time, so that no read waits for another.
const SLOW: Duration = Duration::from_micros(500);

/// The result of a read.
type Returned = (Result<ReadRows, ReadError>, Read);

/// A reader: carries out reads, a few at a time.
pub(crate) struct Reader {
    driver: Arc<Driver>,
    threads: Arc<dyn Threads>,
}

impl Reader {
    pub(crate) fn new(driver: &Arc<Driver>, threads: &Arc<dyn Threads>) -> Self {
        Self { driver: Arc::clone(driver), threads: Arc::clone(threads) }
    }

    /// Carries out reads until `ending` is cancelled, or until the node cannot continue.
    pub(crate) async fn run(self, ending: CancellationToken) {
        let reading = async {
            let mut reads_max = READS_MAX;
            loop {
                let reads = self.driver.reads.take(reads_max).await;
                let slow = SLOW * u32::try_from(reads.len()).unwrap_or(1);
                let began = Instant::now();
                match self.carry_out(reads).await {
                    Ok(returned) => {
                        reads_max = if began.elapsed() > slow { 1 } else { READS_MAX };
                        self.tell_core(returned);
                    }
                    Err(reason) => return self.driver.stop(reason),
                }
            }
        };
        tokio::select! {
            biased;
            () = ending.cancelled() => {}
            () = reading => {}
        }
    }

    /// Carries out the reads on a blocking thread.
    async fn carry_out(&self, reads: Vec<Read>) -> Result<Vec<Returned>, RunError> {
        let driver = Arc::clone(&self.driver);
        let read = move || {
            reads.into_iter().map(|read| Ok((carry_out(&driver.store, &read)?, read))).collect()
        };
        // Without a result the thread has ended, which a panic cannot do: the process ends.
        let returned = self.threads.block_for(Blocking::Read, read).await;
        returned.unwrap_or(Err(RunError::ReadPanicked))
    }

    /// Tells the core the results of reads. Entries may have been applied since then.
    fn tell_core(&self, returned: Vec<Returned>) {
        let Driver { shared, store, .. } = &*self.driver;
        let mut held = shared.lock_anyhow();
        let _hold = held.links.hold();
        for (result, Read { read, member, what }) in returned {
            if store.end_read(read, member, what, &result) {
                held.teller.read_overtaken(member);
            }
            self.driver.handle(&mut held, [NodeEvent::Read { read, member, result }]);
        }
    }
}

/// Carries out one read. Without the catch, a panic would end this thread only, and the core
/// would wait for the read for ever.
fn carry_out(store: &Store, read: &Read) -> Result<Result<ReadRows, ReadError>, RunError> {
    let read = || store.read(read.member, &read.what);
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| {
        error!("a read of the storage panicked");
        RunError::ReadPanicked
    })
}
