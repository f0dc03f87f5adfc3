//! The storage of a simulated process. It tells its actions, and fails when it is told to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use db_process::storage::{
    AtHand, Batch, ReadsThrough, ScanLimit, Storage, StorageError, StorageOperation, StorageReader,
    Table,
};
use db_process::store::audit::keys_of;
use protocol::view::Member;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::disk_calls::DiskCalls;
use super::share::share;
use crate::plan::corruption::{Rot, Row};
use crate::plan::fault::DiskError;
use crate::seen::{Log, Seen, StorageDid};

/// The faults of a disk, shared with the world.
#[derive(Clone, Default)]
pub(crate) struct DiskFaults(Arc<Mutex<Armed>>);

#[derive(Default)]
struct Armed {
    errors: BTreeSet<DiskError>,
    is_full: bool,
    /// The storage opened by a process.
    open: Option<Arc<dyn Storage>>,
    rotten: Vec<Rotten>,
}

/// A damaged row, with its damaged value.
struct Rotten {
    member: Member,
    table: Table,
    key: Bytes,
    value: Bytes,
}

impl DiskFaults {
    /// Lets the next such operation fail.
    pub(crate) fn arm(&self, error: DiskError) {
        self.lock().errors.insert(error);
    }

    /// Lets no armed operation fail any more.
    pub(crate) fn disarm(&self) {
        self.lock().errors.clear();
    }

    /// Fills the disk: no write succeeds.
    pub(crate) fn fill(&self) {
        self.lock().is_full = true;
    }

    /// Frees room on the disk.
    pub(crate) fn free(&self) {
        self.lock().is_full = false;
    }

    /// Whether the present operation has to fail. It fails once only.
    pub(crate) fn strikes(&self, error: DiskError) -> bool {
        self.lock().errors.remove(&error)
    }

    /// Flips a bit of a stored row, if a process is at work and has such a row. Returns whether
    /// it did.
    pub(crate) fn corrupt(&self, rot: Rot) -> bool {
        let mut armed = self.lock();
        let Some(storage) = armed.open.clone() else { return false };
        let table = match rot.row {
            Row::Record => Table::Records,
            Row::Entry => Table::Log,
            Row::Answer => Table::Applied,
        };
        let Ok(keys) = keys_of(&*storage, rot.member) else { return false };
        let rows = storage.scan(table, &keys.start[..]..&keys.end[..], ScanLimit::NONE);
        let rows = rows.unwrap_or_default();
        let Some(last) = rows.len().checked_sub(1) else { return false };
        let (key, value) = &rows[share(last as u64, rot.pick) as usize];
        // The same bit flipped twice restores the row.
        if armed.rotten.iter().any(|row| row.table == table && row.key == *key) {
            return false;
        }
        let mut value = value.to_vec();
        let at = share(value.len() as u64 - 1, rot.pick.fract()) as usize;
        value[at] ^= 1;
        let rotten = Rotten { member: rot.member, table, key: key.clone(), value: value.into() };
        let mut batch = Batch::new();
        batch.put(table, rotten.key.clone(), rotten.value.clone());
        let is_written = storage.write(batch).is_ok();
        armed.rotten.extend(is_written.then_some(rotten));
        is_written
    }

    /// Whether a row of a copy is still damaged. Nothing is repaired while no process is at
    /// work.
    pub(crate) fn is_rotten(&self, member: Member) -> bool {
        let mut armed = self.lock();
        if let Some(open) = armed.open.clone() {
            let is_there = |row: &Rotten| {
                open.get(row.table, &row.key).is_ok_and(|value| value.as_ref() == Some(&row.value))
            };
            armed.rotten.retain(is_there);
        }
        armed.rotten.iter().any(|row| row.member == member)
    }

    /// Notes the death of the process that had the storage open.
    pub(crate) fn has_died(&self) {
        self.lock().open = None;
    }

    /// Notes the loss of everything stored.
    pub(crate) fn is_wiped(&self) {
        self.lock().rotten.clear();
    }

    fn is_full(&self) -> bool {
        self.lock().is_full
    }

    fn lock(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The share of records that are not at hand, and the seed to choose them by.
#[derive(Debug)]
pub(crate) struct Cold {
    percent: u64,
    seed: u64,
    /// The number of questions so far.
    asked: AtomicU64,
}

impl Cold {
    pub(crate) fn new(percent: u64, seed: u64) -> Self {
        Self { percent, seed, asked: AtomicU64::new(0) }
    }

    /// Whether the record asked for now is not at hand.
    fn strikes(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let random = &mut StdRng::seed_from_u64(self.seed.wrapping_mul(1_000_003) ^ asked);
        random.random_range(0..100) < self.percent
    }
}

/// The storage of a simulated process.
pub(crate) struct SimStorage {
    node: usize,
    inner: Arc<dyn Storage>,
    faults: DiskFaults,
    calls: DiskCalls,
    cold: Cold,
    /// The first failure. As in every storage, nothing succeeds after it.
    failed: OnceLock<StorageError>,
    log: Log,
}

impl SimStorage {
    pub(crate) fn new(
        node: usize,
        inner: Arc<dyn Storage>,
        faults: DiskFaults,
        calls: DiskCalls,
        cold: Cold,
        log: Log,
    ) -> Self {
        faults.lock().open = Some(Arc::clone(&inner));
        let storage = Self { node, inner, faults, calls, cold, failed: OnceLock::new(), log };
        storage.tell(StorageDid::Opened);
        storage
    }

    fn tell(&self, did: StorageDid) {
        self.log.tell(Seen::Storage { node: self.node, did });
    }

    fn fail<T>(&self, error: StorageError) -> Result<T, StorageError> {
        self.tell(StorageDid::Failed(error.to_string()));
        Err(self.failed.get_or_init(|| error).clone())
    }

    fn refuse_after_failure(&self) -> Result<(), StorageError> {
        self.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}

fn failed(operation: StorageOperation) -> StorageError {
    StorageError::Disk { operation, detail: "a simulated fault".to_owned() }
}

impl Storage for SimStorage {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let call = self.calls.write();
        self.refuse_after_failure()?;
        let operation = StorageOperation::Write;
        if self.faults.is_full() {
            return self
                .fail(StorageError::Full { operation, detail: "a simulated fault".to_owned() });
        }
        if self.faults.strikes(DiskError::WriteLost) {
            return self.fail(failed(operation));
        }
        let is_found_later = self.faults.strikes(DiskError::WriteFound);
        self.inner.write(batch)?;
        if is_found_later {
            return self.fail(failed(operation));
        }
        self.tell(StorageDid::Written(call));
        Ok(())
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.inner.name_format()
    }

    fn sync(&self) -> Result<(), StorageError> {
        let (call, end) = self.calls.sync();
        self.refuse_after_failure()?;
        if self.faults.strikes(DiskError::Sync) {
            return self.fail(failed(StorageOperation::Sync));
        }
        end()?;
        self.tell(StorageDid::Synced(call));
        Ok(())
    }
}

impl ReadsThrough for SimStorage {
    fn reader(&self) -> &dyn StorageReader {
        &*self.inner
    }

    /// A failed read does not touch the stored data: written and synced data stay so.
    fn before_read(&self) -> Result<(), StorageError> {
        if !self.faults.strikes(DiskError::Read) {
            return Ok(());
        }
        self.tell(StorageDid::ReadFailed);
        Err(failed(StorageOperation::Read))
    }

    fn seen_at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        if self.cold.strikes() { Ok(AtHand::Unknown) } else { self.inner.at_hand(table, key) }
    }
}

#[cfg(test)]
mod tests {
    use db_process::storage::memory::MemoryDisk;
    use db_process::store::Store;
    use protocol::hello::Membership;
    use protocol::id::{ClusterId, NodeId};
    use ring_core::store::Mutation;
    use uuid::Uuid;

    use super::*;
    use crate::plan::swarm::SyncCovers;

    const ROT: Rot = Rot { member: Member::Home, row: Row::Record, pick: 0.0 };

    /// A storage with one row of a home copy, and the faults of its disk.
    fn storage() -> (SimStorage, DiskFaults) {
        let disk = Arc::new(MemoryDisk::new().open());
        let inner: Arc<dyn Storage> = Arc::clone(&disk) as _;
        let ring = ["db-0", "db-1"].map(|id| id.parse::<NodeId>().unwrap()).to_vec();
        let (store, _) = Store::open(Arc::clone(&inner), &ring[0], 0, Uuid::nil).unwrap();
        let membership = Membership { cluster: ClusterId(Uuid::nil()), ring };
        let mut batch = Batch::new();
        store.add(&mut batch, &Mutation::Membership(membership));
        inner.write(batch).unwrap();
        put_row(&*inner);
        let faults = DiskFaults::default();
        let calls = DiskCalls::new(0, disk, SyncCovers::default(), Log::default());
        let cold = Cold::new(0, 0);
        (SimStorage::new(0, inner, faults.clone(), calls, cold, Log::default()), faults)
    }

    fn put_row(storage: &dyn Storage) {
        let home = keys_of(storage, Member::Home).unwrap().start;
        let mut batch = Batch::new();
        batch.put(Table::Records, home, Bytes::from_static(b"a row"));
        storage.write(batch).unwrap();
    }

    #[test]
    fn a_damaged_row_is_rotten_until_it_is_written_again() {
        let (storage, faults) = storage();
        assert!(faults.corrupt(ROT));
        assert!(faults.is_rotten(Member::Home));
        assert!(!faults.is_rotten(Member::Next));
        put_row(&storage);
        assert!(!faults.is_rotten(Member::Home));
    }

    #[test]
    fn a_row_whose_damage_could_not_be_written_is_not_rotten() {
        let (full, of_full) = storage();
        of_full.fill();
        let faults = DiskFaults::default();
        faults.lock().open = Some(Arc::new(full));
        assert!(!faults.corrupt(ROT));
        assert!(faults.lock().rotten.is_empty());
    }
}
