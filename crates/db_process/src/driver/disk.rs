//! The disk's loop: writes what the core wants written, syncs it, and tells the core. It ends with the node.
//!
//! It does nothing else while it syncs: what comes meanwhile gathers in the batch, and goes with the next write and the next sync. To
//! write it at once, beside the sync, would save less than the hand-over to another thread costs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use process::threads::{Blocking, Threads};
use ring_core::store::Mark;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Driver;
use crate::run::RunError;
use crate::storage::{Operation, StorageError};

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
        let mut covered = Mark::default();
        loop {
            let written = self.write()?;
            let is_to_sync = written > covered;
            covered = written;
            tokio::select! {
                biased;
                () = self.shared.broken() => return Err(RunError::DriverLost),
                // Not without looking whether it can go on.
                () = ending.cancelled() => return self.write().map(drop),
                outcome = self.make_durable(threads, written), if is_to_sync => outcome?,
                () = self.to_write.notified(), if !is_to_sync => {}
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
        }
        Ok(mark)
    }

    /// Syncs what is written up to this mutation, where a call that blocks may run.
    async fn make_durable(
        self: &Arc<Self>,
        threads: &Arc<dyn Threads>,
        covers: Mark,
    ) -> Result<(), RunError> {
        let driver = Arc::clone(self);
        let outcome = threads.block_for(Blocking::Sync, move || driver.sync(covers)).await;
        // None where the core has panicked when it was told.
        Ok(outcome.ok_or(RunError::DriverLost)??)
    }

    /// Syncs what is written, and tells the core that it is durable up to this mutation.
    fn sync(&self, covers: Mark) -> Result<(), StorageError> {
        let storage = self.store.storage();
        // A panic would end this thread only, and the node would wait for ever.
        catch_unwind(AssertUnwindSafe(|| storage.sync())).unwrap_or_else(|_| {
            let detail = "the sync panicked, see the log".to_owned();
            Err(StorageError::Disk { operation: Operation::Sync, detail })
        })?;
        self.synced.fetch_max(covers.0, Ordering::AcqRel);
        let mut held = self.shared.lock_anyhow();
        let _hold = held.links.hold();
        self.handle(&mut held, self.synced());
        Ok(())
    }

    /// Tells the gateway why the node ends, and closes every link.
    pub(super) fn end(&self, reason: String) {
        let mut locked = self.shared.lock_anyhow();
        locked.is_ending = true;
        locked.links.say_goodbye(reason);
        locked.links.close_all("the node ends");
    }
}
