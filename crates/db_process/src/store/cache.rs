//! The cache of records. It holds recently read records, and written ones while there is room,
//! so that only other reads go to the storage.
//!
//! A cached record is the row as it will be when every added mutation is written. This reveals
//! nothing too early: an unwritten entry is also uncommitted, and the core first looks for
//! uncommitted entries in its own memory.
//!
//! While a record is being read apart from the core, it is *expected*. The result is kept only
//! if neither a change of the record nor a new start of its copy came meanwhile; otherwise the
//! result is not the newest.
//!
//! The cache does not know absent users, records of an incoming snapshot, or the results of
//! scans. Comparisons of copies look at the stored rows.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use protocol::entry::{Change, Entry};
use protocol::message::RecordRow;
use protocol::user::{RecordJson, UserId};
use protocol::view::Member;
use quick_cache::unsync::Cache;
use quick_cache::{Equivalent, Weighter};
use ring_core::store::{ReadId, StoredRecord};

/// The memory of a record beside its id and its JSON: its place in the cache, and the
/// allocator's overhead.
const OVERHEAD_BYTES: u64 = 200;

/// The cached records.
pub(super) struct RecordCache(Mutex<Records>);

struct Records {
    cache: Cache<Key, StoredRecord, Memory>,
    /// The records being read, each with its newest read.
    expected: BTreeMap<Key, ReadId>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    member: Member,
    id: UserId,
}

/// A key to look up.
#[derive(Hash)]
struct Wanted<'a> {
    member: Member,
    id: &'a UserId,
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.member == key.member && *self.id == key.id
    }
}

/// Weighs records by their memory.
#[derive(Clone)]
struct Memory;

impl Weighter<Key, StoredRecord> for Memory {
    fn weight(&self, key: &Key, stored: &StoredRecord) -> u64 {
        weight(&key.id, &stored.record)
    }
}

fn weight(id: &UserId, record: &RecordJson) -> u64 {
    OVERHEAD_BYTES + (id.as_str().len() + record.len()) as u64
}

impl RecordCache {
    /// A cache of at most this much memory.
    pub(super) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max as u64;
        // No more than a guess; the cache grows with its content.
        let records = usize::try_from(bytes_max / (2 * OVERHEAD_BYTES)).unwrap_or(usize::MAX);
        let cache = Cache::with_weighter(records, bytes_max, Memory);
        Self(Mutex::new(Records { cache, expected: BTreeMap::new() }))
    }

    pub(super) fn get(&self, member: Member, id: &UserId) -> Option<StoredRecord> {
        self.lock().cache.get(&Wanted { member, id }).cloned()
    }

    /// Caches a record found in the storage's memory.
    pub(super) fn keep(&self, member: Member, id: &UserId, stored: &StoredRecord) {
        self.lock().cache.insert(Key { member, id: id.clone() }, stored.clone());
    }

    /// Notes that a record is going to be read.
    pub(super) fn expect(&self, member: Member, id: &UserId, read: ReadId) {
        self.lock().expected.insert(Key { member, id: id.clone() }, read);
    }

    /// Takes the result of an expected read; `None` if there is no such user. Returns whether
    /// the result is the newest record.
    pub(super) fn has_read(
        &self,
        member: Member,
        id: UserId,
        read: ReadId,
        stored: Option<&StoredRecord>,
    ) -> bool {
        let key = Key { member, id };
        let mut records = self.lock();
        let is_newest = records.expected.get(&key) == Some(&read);
        if is_newest {
            records.expected.remove(&key);
            if let Some(stored) = stored {
                records.cache.insert(key, stored.clone());
            }
        }
        is_newest
    }

    /// Applies an entry. A record nobody has asked for takes no room from others. The primary
    /// reads a record before it changes it, and the reader reads the records asked for by
    /// clients.
    pub(super) fn apply(&self, member: Member, entry: &Entry) {
        match &entry.change {
            Change::Create { id, record } | Change::Replace { id, record } => {
                let mut records = self.lock();
                records.overtake(member, id);
                let cache = &mut records.cache;
                let has_room = cache.weight() + weight(id, record) <= cache.capacity();
                if has_room || cache.peek(&Wanted { member, id }).is_some() {
                    // A copy, not a slice of the message, because a slice would keep the whole
                    // message in memory.
                    let record = Bytes::copy_from_slice(record);
                    let stored = StoredRecord { position: entry.position, record };
                    cache.insert(Key { member, id: id.clone() }, stored);
                }
            }
            Change::Delete { id } => self.forget(member, id),
        }
    }

    /// Forgets the records of rows from elsewhere.
    pub(super) fn replace(&self, member: Member, rows: &[RecordRow]) {
        rows.iter().for_each(|row| self.forget(member, &row.id));
    }

    /// Forgets a dropped record. If its id cannot be read, `id` is `None`: nobody has ever asked
    /// for it.
    pub(super) fn drop_record(&self, member: Member, id: Option<&UserId>) {
        if let Some(id) = id {
            self.forget(member, id);
        }
    }

    /// Forgets every record of a copy, because the copy begins anew.
    pub(super) fn clear(&self, member: Member) {
        let mut records = self.lock();
        records.cache.retain(|key, _| key.member != member);
        records.expected.retain(|key, _| key.member != member);
    }

    fn forget(&self, member: Member, id: &UserId) {
        let mut records = self.lock();
        records.overtake(member, id);
        records.cache.remove(&Wanted { member, id });
    }

    /// Ignores a panic of an earlier holder: it leaves nothing half done for a read to show.
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// Drops a pending read of this user: it no longer yields the newest record.
    fn overtake(&mut self, member: Member, id: &UserId) {
        if !self.expected.is_empty() {
            self.expected.remove(&Key { member, id: id.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::{Epoch, GatewayBoot, Position, RequestId, Seq};
    use uuid::Uuid;

    use super::*;

    fn position(seq: u64) -> Position {
        Position { epoch: Epoch(1), seq: Seq(seq) }
    }

    fn id(number: u64) -> UserId {
        format!("user-{number}").parse().expect("an id")
    }

    fn entry(seq: u64, change: Change) -> Entry {
        let request = RequestId { boot: GatewayBoot(Uuid::nil()), counter: seq };
        Entry { position: position(seq), request, unsettled_from: 0, change }
    }

    fn row(number: u64) -> RecordRow {
        RecordRow { id: id(number), position: position(1), record: "row".into() }
    }

    fn replace(seq: u64, number: u64, record: impl Into<Bytes>) -> Entry {
        entry(seq, Change::Replace { id: id(number), record: record.into() })
    }

    #[test]
    fn the_last_entry_says_what_a_record_is() {
        let cache = RecordCache::new(1 << 20);
        assert_eq!(cache.get(Member::Home, &id(1)), None);
        cache.apply(Member::Home, &replace(1, 1, "first"));
        cache.apply(Member::Home, &replace(2, 1, "second"));
        let second = StoredRecord { position: position(2), record: "second".into() };
        assert_eq!(cache.get(Member::Home, &id(1)), Some(second));
        assert_eq!(cache.get(Member::Next, &id(1)), None, "the other copy has its own");
        cache.apply(Member::Home, &entry(3, Change::Delete { id: id(1) }));
        assert_eq!(cache.get(Member::Home, &id(1)), None);
    }

    #[test]
    fn a_record_that_was_overtaken_while_it_was_read_is_not_kept() {
        let cache = RecordCache::new(1 << 20);
        let read = |number| StoredRecord { position: position(number), record: "read".into() };
        let overtakings: [fn(&RecordCache); 4] = [
            |cache| cache.apply(Member::Home, &replace(2, 1, "newer")),
            |cache| cache.apply(Member::Home, &entry(2, Change::Delete { id: id(1) })),
            |cache| cache.clear(Member::Home),
            |cache| cache.replace(Member::Home, &[row(1)]),
        ];
        for (overtake, number) in overtakings.into_iter().zip(1..) {
            cache.expect(Member::Home, &id(1), ReadId(number));
            overtake(&cache);
            assert!(!cache.has_read(Member::Home, id(1), ReadId(number), Some(&read(1))));
            assert_ne!(cache.get(Member::Home, &id(1)), Some(read(1)));
        }
        cache.expect(Member::Home, &id(1), ReadId(9));
        assert!(!cache.has_read(Member::Home, id(1), ReadId(8), Some(&read(1))));
        assert!(cache.has_read(Member::Home, id(1), ReadId(9), Some(&read(9))));
        assert_eq!(cache.get(Member::Home, &id(1)), Some(read(9)));
    }

    #[test]
    fn a_copy_that_begins_anew_takes_nothing_from_the_other_one() {
        let cache = RecordCache::new(1 << 20);
        cache.apply(Member::Home, &replace(1, 1, "home"));
        cache.apply(Member::Next, &replace(1, 1, "next"));
        cache.clear(Member::Home);
        assert_eq!(cache.get(Member::Home, &id(1)), None);
        assert!(cache.get(Member::Next, &id(1)).is_some());
    }

    #[test]
    fn it_stays_within_its_memory() {
        let cache = RecordCache::new(100_000);
        for number in 0..10_000 {
            let stored = StoredRecord { position: position(1), record: vec![b'x'; 300].into() };
            cache.keep(Member::Home, &id(number), &stored);
        }
        let weight = cache.lock().cache.weight();
        assert!((50_000..=100_000).contains(&weight), "{weight} bytes");
    }

    #[test]
    fn what_is_only_written_takes_no_place_from_what_was_read() {
        let cache = RecordCache::new(100_000);
        let stored = StoredRecord { position: position(1), record: vec![b'x'; 300].into() };
        cache.keep(Member::Home, &id(0), &stored);
        for number in 1..10_000 {
            cache.apply(Member::Home, &replace(number + 1, number, vec![b'x'; 300]));
        }
        assert_eq!(cache.get(Member::Home, &id(0)), Some(stored));
        assert_eq!(cache.get(Member::Home, &id(9_999)), None);
        // A cached record is still the newest one.
        cache.apply(Member::Home, &replace(10_001, 0, vec![b'y'; 400]));
        let newest = cache.get(Member::Home, &id(0)).map(|stored| stored.position);
        assert_eq!(newest, Some(position(10_001)));
        assert!(cache.lock().cache.weight() <= 100_000);
    }

    #[test]
    fn a_record_keeps_no_message_in_memory() {
        let cache = RecordCache::new(1 << 20);
        let message = Bytes::from(vec![b'x'; 1000]);
        cache.apply(Member::Home, &replace(1, 1, message.slice(10..20)));
        assert!(message.is_unique());
    }
}
