//! The calls to a node's disk. A call takes time: it takes effect at one moment, and a sync covers
//! only the writes before its begin.
//!
//! ```text
//!   SimThreads:   begins ---- latency ----> SimStorage writes or syncs ---- rest ----> returns
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db_process::storage::{BeginsSync, EndSync};
use process::threads::Blocking;

use crate::plan::swarm::SyncCovers;
use crate::seen::{DiskCall, Log, Seen, StorageDid};

/// Connects the threads of a process with its storage.
#[derive(Clone)]
pub(crate) struct DiskCalls {
    node: usize,
    storage: Arc<dyn BeginsSync>,
    sync_covers: SyncCovers,
    log: Log,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Default)]
struct Calls {
    /// The number of calls so far.
    begun: u64,
    /// The call that takes effect now.
    current: Option<Begun>,
}

/// A call that has begun.
pub(crate) enum Begun {
    Write(DiskCall),
    Sync(DiskCall, EndSync),
}

impl DiskCalls {
    pub(crate) fn new(
        node: usize,
        storage: Arc<dyn BeginsSync>,
        sync_covers: SyncCovers,
        log: Log,
    ) -> Self {
        Self { node, storage, sync_covers, log, calls: Arc::default() }
    }

    /// A blocking call begins; none if it is neither a write nor a sync.
    pub(crate) fn begin(&self, kind: Blocking) -> Option<Begun> {
        match kind {
            Blocking::Write => Some(Begun::Write(self.begin_write())),
            Blocking::Sync if self.sync_covers == SyncCovers::BeforeEnd => None,
            Blocking::Sync => {
                let (call, end) = self.begin_sync();
                Some(Begun::Sync(call, end))
            }
            Blocking::Read | Blocking::Save | Blocking::Files => None,
        }
    }

    /// The next call of the storage is this one.
    pub(crate) fn takes_effect(&self, begun: Begun) {
        self.lock().current = Some(begun);
    }

    /// The write that takes effect now. A write by no thread begins at this moment too.
    pub(crate) fn write(&self) -> DiskCall {
        match self.take() {
            Some(Begun::Write(call)) => call,
            _ => self.begin_write(),
        }
    }

    /// The sync that takes effect now. A sync by no thread begins at this moment too.
    pub(crate) fn sync(&self) -> (DiskCall, EndSync) {
        match self.take() {
            Some(Begun::Sync(call, end)) => (call, end),
            _ => self.begin_sync(),
        }
    }

    fn take(&self) -> Option<Begun> {
        self.lock().current.take()
    }

    fn begin_write(&self) -> DiskCall {
        let call = self.next();
        self.tell(StorageDid::WriteBegins(call));
        call
    }

    fn begin_sync(&self) -> (DiskCall, EndSync) {
        let call = self.next();
        self.tell(StorageDid::SyncBegins(call));
        (call, Arc::clone(&self.storage).begin_sync())
    }

    fn next(&self) -> DiskCall {
        let mut calls = self.lock();
        calls.begun += 1;
        DiskCall(calls.begun)
    }

    fn tell(&self, did: StorageDid) {
        self.log.tell(Seen::Storage { node: self.node, did });
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
