//! The disk's loop: writes the core's mutations, syncs them, and tells the core. It ends with
//! the node.
//!
//! The loop does nothing else during a write or a sync. Mutations gather in the batch meanwhile,
//! and go with the next write and the next sync. A sync covers the writes before its begin.
//! Writing beside the sync would save less than the hand-over to another thread costs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use process::threads::{Blocking, Threads};
use ring_core::store::Mark;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Driver;
use crate::error::RunError;
use crate::storage::{StorageError, StorageOperation};

impl Driver {
    /// Keeps the batch durable until `ending` is cancelled or the node cannot continue. Then it
    /// tells every peer. After a cancellation it also makes the rest of the batch durable; after
    /// a failure it writes nothing more.
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
        self.write(&threads).await?;
        let driver = Arc::clone(&self);
        let synced = threads.block_for(Blocking::Sync, move || driver.store.storage().sync()).await;
        Ok(synced.ok_or(RunError::DriverLost)??)
    }

    async fn write_and_sync(
        self: &Arc<Self>,
        threads: &Arc<dyn Threads>,
        ending: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut covered = Mark::default();
        loop {
            let written = self.write(threads).await?;
            let is_to_sync = written > covered;
            covered = written;
            tokio::select! {
                biased;
                () = self.shared.broken() => return Err(RunError::DriverLost),
                // The write also checks whether the node can continue.
                () = ending.cancelled() => return self.write(threads).await.map(drop),
                outcome = self.make_durable(threads, written), if is_to_sync => outcome?,
                () = self.to_write.notified(), if !is_to_sync => {}
            }
        }
    }

    /// Writes the batch, and returns the last written mutation. Fails also if the node cannot
    /// continue. The call blocks the thread of this loop.
    async fn write(self: &Arc<Self>, threads: &Arc<dyn Threads>) -> Result<Mark, RunError> {
        let (batch, mark) = {
            let mut locked = self.shared.lock_anyhow();
            if let Some(failure) = locked.failure.take() {
                return Err(failure);
            }
            (std::mem::take(&mut locked.batch), locked.mark)
        };
        if !batch.is_empty() {
            let driver = Arc::clone(self);
            let written = threads.block_for(Blocking::Write, move || driver.store.write(batch));
            written.await.ok_or(RunError::DriverLost)??;
        }
        Ok(mark)
    }

    /// Syncs every write up to the mutation `covers`. The call blocks the thread of this loop.
    async fn make_durable(
        self: &Arc<Self>,
        threads: &Arc<dyn Threads>,
        covers: Mark,
    ) -> Result<(), RunError> {
        let driver = Arc::clone(self);
        let outcome = threads.block_for(Blocking::Sync, move || driver.sync(covers)).await;
        // `None` if the core panicked on the news.
        Ok(outcome.ok_or(RunError::DriverLost)??)
    }

    /// Syncs the writes, and tells the core of the durable mutations, up to `covers`.
    fn sync(&self, covers: Mark) -> Result<(), StorageError> {
        let storage = self.store.storage();
        // Without the catch, a panic would end this thread only, and the node would wait for
        // ever.
        catch_unwind(AssertUnwindSafe(|| storage.sync())).unwrap_or_else(|_| {
            let detail = "the sync panicked, see the log".to_owned();
            Err(StorageError::Disk { operation: StorageOperation::Sync, detail })
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
