//! The disk's loop: writes what the core wants written, syncs it, and tells the core. It ends with the node.
//!
//! One sync runs at a time, apart; what is written meanwhile goes with the next one. Whoever syncs tells the core, and goes on as
//! long as there is more: nobody else has to be woken for that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use process::threads::Threads;
use ring::store::Mark;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Driver;
use crate::run::RunError;
use crate::storage::{Operation, StorageError};

/// Syncs that run; they tell the last mutation that is durable, once there is nothing more to sync.
type Syncs = oneshot::Receiver<Result<Mark, StorageError>>;

impl Driver {
    /// Keeps what is in the batch durable until `ending` is cancelled or the node cannot go on. At the end everybody is told, and
    /// what was written becomes durable.
    pub(crate) async fn keep_durable(
        self: Arc<Self>,
        threads: Arc<dyn Threads>,
        ending: CancellationToken,
    ) -> Result<(), RunError> {
        let outcome = self.write_and_sync(&threads, &ending).await;
        match &outcome {
            Ok(()) => info!("node ends"),
            Err(reason) => error!(%reason, "node stops"),
        }
        let told = || "it was told to stop".to_owned();
        self.end(outcome.as_ref().err().map_or_else(told, RunError::to_string));
        outcome?;
        self.write()?;
        Ok(self.store.storage().sync()?)
    }

    async fn write_and_sync(
        self: &Arc<Self>,
        threads: &Arc<dyn Threads>,
        ending: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut durable = Mark::default();
        let mut syncs = None::<Syncs>;
        loop {
            let written = self.write()?;
            if syncs.is_none() && written > durable {
                syncs = Some(self.begin_syncs(threads, written));
            }
            tokio::select! {
                biased;
                () = self.shared.broken() => return Err(RunError::DriverLost),
                // Not without looking whether it can go on.
                () = ending.cancelled() => return self.write().map(drop),
                outcome = returned(&mut syncs) => durable = outcome?,
                () = self.to_write.notified() => {}
            }
        }
    }

    /// Writes the batch; returns the last mutation that is written. Fails if the node cannot go on, too.
    fn write(&self) -> Result<Mark, RunError> {
        let (batch, mark) = {
            let mut locked = self.shared.lock_anyhow();
            if let Some(failure) = locked.failure.take() {
                return Err(failure);
            }
            (std::mem::take(&mut locked.batch), locked.mark)
        };
        if !batch.is_empty() {
            self.store.write(batch)?;
            self.written.store(mark.0, Ordering::Release);
        }
        Ok(mark)
    }

    fn begin_syncs(self: &Arc<Self>, threads: &Arc<dyn Threads>, written: Mark) -> Syncs {
        let driver = Arc::clone(self);
        let (done, outcome) = oneshot::channel();
        // Once the node has ended nobody cares how it went.
        let syncs = move || drop(done.send(driver.sync_what_is_written(written)));
        tokio::spawn(threads.blocking(Box::new(syncs)));
        outcome
    }

    /// Syncs what is written, and what is written meanwhile; returns the last mutation that is durable.
    fn sync_what_is_written(&self, mut written: Mark) -> Result<Mark, StorageError> {
        let storage = self.store.storage();
        loop {
            // A panic would end this thread only, and the node would wait for ever.
            catch_unwind(AssertUnwindSafe(|| storage.sync())).unwrap_or_else(|_| {
                let detail = "the sync panicked, see the log".to_owned();
                Err(StorageError::Disk { operation: Operation::Sync, detail })
            })?;
            self.synced.fetch_max(written.0, Ordering::AcqRel);
            self.tell_synced();
            let durable = written;
            written = Mark(self.written.load(Ordering::Acquire));
            if written <= durable {
                return Ok(durable);
            }
        }
    }

    fn tell_synced(&self) {
        let mut held = self.shared.lock_anyhow();
        let _hold = held.links.hold();
        self.handle(&mut held, self.synced());
    }

    /// Tells the gateway why the node ends, and closes every link.
    fn end(&self, reason: String) {
        let mut locked = self.shared.lock_anyhow();
        locked.is_ending = true;
        locked.links.say_goodbye(reason);
        locked.links.close_all("the node ends");
    }
}

/// Waits for the syncs that run, if any do.
async fn returned(syncs: &mut Option<Syncs>) -> Result<Mark, RunError> {
    let Some(running) = syncs else { return std::future::pending().await };
    let outcome = running.await;
    *syncs = None;
    // Nothing is said where the core has panicked when it was told.
    Ok(outcome.map_err(|_| RunError::DriverLost)??)
}
