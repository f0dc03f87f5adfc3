//! A simulated disk. A write is readable at once, and durable after a sync.

mod content;

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Bound;

use protocol::entry::{Answer, Entry};
use protocol::id::{RequestId, Seq};
use protocol::message::RecordRow;
use protocol::user::UserId;
use protocol::view::Member;
use ring_core::store::{
    AtHand, Budget, Mark, Mutation, ReadError, RecordKey, Recovered, Stored, StoredRecord,
    StoredRows, Unreadable,
};

pub(crate) use self::content::{Content, CopyOnDisk};

/// The storage of a node. `current` has every write, `durable` has the synced writes.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// With every write.
    pub(crate) current: Content,
    /// With the synced writes.
    pub(crate) durable: Content,
    /// The writes in `current` alone, in order.
    unsynced: VecDeque<UnsyncedWrite>,
    /// Whether some of the records are not at hand.
    is_cold: bool,
    /// How many times the core has asked for a record at hand.
    asked: Cell<u64>,
}

/// A write that no sync has covered.
#[derive(Debug)]
struct UnsyncedWrite {
    /// The mark for a sync to reach.
    mark: Mark,
    /// The change of the content.
    mutation: Mutation,
}

/// On a cold disk, one in this many records is not at hand.
const COLD_ONE_IN: u64 = 3;

impl Disk {
    /// An empty disk with every record at hand. Its reads return at once.
    pub(crate) fn warm() -> Self {
        Self::default()
    }

    /// An empty disk with some records at hand. Its reads take time.
    pub(crate) fn cold() -> Self {
        Self { is_cold: true, ..Self::default() }
    }

    /// An empty disk of the same kind.
    pub(crate) fn replacement(&self) -> Self {
        Self { is_cold: self.is_cold, ..Self::default() }
    }

    pub(crate) fn is_cold(&self) -> bool {
        self.is_cold
    }

    pub(crate) fn write(&mut self, mark: Mark, mutation: Mutation) {
        self.current.apply(&mutation);
        self.unsynced.push_back(UnsyncedWrite { mark, mutation });
    }

    pub(crate) fn written(&self) -> Option<Mark> {
        self.unsynced.back().map(|write| write.mark)
    }

    pub(crate) fn sync(&mut self, mark: Mark) {
        while let Some(write) = self.unsynced.pop_front_if(|write| write.mark <= mark) {
            self.durable.apply(&write.mutation);
        }
    }

    /// Loses the unsynced writes, except the first `kept` ones.
    pub(crate) fn power_loss(&mut self, kept: usize) {
        for write in self.unsynced.drain(..).take(kept) {
            self.durable.apply(&write.mutation);
        }
        self.current = self.durable.clone();
    }

    /// Makes a record unreadable, for ever.
    pub(crate) fn rot(&mut self, member: Member, id: &UserId) {
        let rotten = self.current.copy(member).records.get(id).cloned();
        for content in [&mut self.current, &mut self.durable] {
            let copy = content.copy_mut(member);
            // The durable content may have an older record or none. A later write makes a sound
            // record there.
            if copy.records.get(id) == rotten.as_ref() {
                copy.rotten.insert(id.clone());
            }
        }
    }

    fn check(&self, member: Member, id: &UserId) -> Result<(), ReadError> {
        if self.current.copy(member).rotten.contains(id) {
            return Err(ReadError::Damaged("a record".to_owned()));
        }
        Ok(())
    }

    /// Starts a process: it syncs the recovered data before it reads them (rule 11).
    pub(crate) fn recover(&mut self) -> Recovered {
        for write in std::mem::take(&mut self.unsynced) {
            self.durable.apply(&write.mutation);
        }
        Recovered {
            membership: self.current.membership.clone(),
            home: self.current.home.recovered(),
            next: self.current.next.recovered(),
        }
    }
}

impl Stored for Disk {
    fn at_hand(&self, member: Member, id: &UserId) -> Result<AtHand, ReadError> {
        self.asked.set(self.asked.get().wrapping_add(1));
        if self.is_cold && scrambled(self.asked.get()).is_multiple_of(COLD_ONE_IN) {
            return Ok(AtHand::Unknown);
        }
        Ok(self.record(member, id)?.map_or(AtHand::Absent, AtHand::Record))
    }
}

/// Maps consecutive numbers to unrelated ones (SplitMix64).
fn scrambled(number: u64) -> u64 {
    let mut scrambled = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    scrambled = (scrambled ^ (scrambled >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    scrambled = (scrambled ^ (scrambled >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    scrambled ^ (scrambled >> 31)
}

impl StoredRows for Disk {
    fn record(&self, member: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        self.check(member, id)?;
        Ok(self.current.copy(member).records.get(id).cloned())
    }

    fn records(
        &self,
        member: Member,
        after: Option<&UserId>,
        _: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.current.copy(member).records.range::<UserId, _>((from, Bound::Unbounded));
        // One row at a time, so that much can happen in the middle of a snapshot.
        let rows = rows.take(1).map(|(id, stored)| RecordRow {
            id: id.clone(),
            position: stored.position,
            record: stored.record.clone(),
        });
        let rows = rows.collect::<Vec<_>>();
        rows.iter().try_for_each(|row| self.check(member, &row.id))?;
        Ok(rows)
    }

    fn entries(
        &self,
        member: Member,
        from: Seq,
        to: Seq,
        budget: Budget,
    ) -> Result<Vec<Entry>, ReadError> {
        let log = self.current.copy(member).log.range(from..=to);
        Ok(log.take(budget.rows_max.max(1)).map(|(_, entry)| entry.clone()).collect())
    }

    fn applied(&self, member: Member, request: RequestId) -> Result<Option<Answer>, ReadError> {
        Ok(self.current.copy(member).brought_answer(request))
    }

    fn unreadable(
        &self,
        member: Member,
        after: Option<&RecordKey>,
        _: Budget,
    ) -> Result<Unreadable, ReadError> {
        let copy = self.current.copy(member);
        let after = after.and_then(RecordKey::id);
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = copy.records.range::<UserId, _>((from, Bound::Unbounded)).next();
        // One row at a time, so that much can happen in the middle of a salvage.
        let keys = next.iter().filter(|(id, _)| copy.rotten.contains(*id));
        Ok(Unreadable {
            keys: keys.map(|(id, _)| RecordKey::from(*id)).collect(),
            to: next.map(|(id, _)| RecordKey::from(id)),
        })
    }

    fn last_readable(&self, member: Member) -> Result<Option<Entry>, ReadError> {
        Ok(self.current.copy(member).log.last_key_value().map(|(_, entry)| entry.clone()))
    }
}
