//! The rows of a copy, part by part.

use std::ops::Bound;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use protocol::entry::{Change, Entry};
use protocol::id::{Epoch, GatewayBoot, Incarnation, PartitionId, Position, RequestId, Seq};
use protocol::view::Member;
use uuid::Uuid;

use super::*;
use crate::node::copy::context::Context;
use crate::node::copy::id::CopyId;
use crate::node::copy::replica::Replica;
use crate::node::{NodeEffect, NodeSettings};
use crate::store::{AtHand, Mark, ReadError, ReadId, RecoveredCopy, Stored};
use crate::time::Time;

const ROWS_MAX: usize = 3;

type Records = BTreeMap<UserId, StoredRecord>;

impl Stored for Records {
    fn at_hand(&self, _: Member, id: &UserId) -> Result<AtHand, ReadError> {
        Ok(self.get(id).cloned().map_or(AtHand::Absent, AtHand::Record))
    }
}

/// The records after one.
fn read(stored: &Records, what: &ReadWhat) -> ReadRows {
    let ReadWhat::Records { after, budget } = what else { panic!("records: {what:?}") };
    let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let rows = stored.range::<UserId, _>((from, Bound::Unbounded)).take(budget.rows_max);
    let row = |(id, StoredRecord { position, record }): (&UserId, &StoredRecord)| RecordRow {
        id: id.clone(),
        position: *position,
        record: record.clone(),
    };
    ReadRows::Records(rows.map(row).collect())
}

/// A copy that works on these records.
struct Copy {
    replica: Replica,
    stored: Records,
}

impl Copy {
    fn of(stored: Records) -> Self {
        let settings = NodeSettings { rows_max: ROWS_MAX, ..NodeSettings::default() };
        let me = Incarnation(Uuid::from_u128(1));
        let id = CopyId { partition: PartitionId(0), member: Member::Home, incarnation: me };
        let replica = Replica::recovered(id, &settings, RecoveredCopy::default());
        Self { replica, stored }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Replica, &mut Context<'_>) -> T) -> T {
        let (mut mark, mut read, mut effects) = (Mark(0), ReadId(0), Vec::<NodeEffect>::new());
        let (stored, mark, read, effects) = (&self.stored, &mut mark, &mut read, &mut effects);
        let mut cx = Context { now: Time::ZERO, stored, gateway: None, mark, read, effects };
        work(&mut self.replica, &mut cx)
    }

    /// The records are written one after the other, or deleted, and none of that is committed or in
    /// storage.
    fn write(&mut self, changes: &[(UserId, bool)]) {
        self.write_on(0, changes);
    }

    /// The same, after so many entries.
    fn write_on(&mut self, entries: usize, changes: &[(UserId, bool)]) {
        for (index, (id, is_there)) in (entries..).zip(changes) {
            let (id, record) = (id.clone(), format!("{index}").into());
            let entry = Entry {
                position: position(index as u64 + 1),
                request: RequestId { boot: GatewayBoot(Uuid::nil()), counter: index as u64 },
                unsettled_from: 0,
                change: if *is_there {
                    Change::Replace { id, record }
                } else {
                    Change::Delete { id }
                },
            };
            self.with(|replica, cx| replica.apply(cx, entry));
        }
    }

    /// The records of a part, and the cursor after it.
    fn part(&self, after: &Cursor) -> (Vec<RecordRow>, Option<Cursor>) {
        let what = self
            .replica
            .parts()
            .rows_to_read(after, Seq(u64::MAX))
            .expect("records are always read");
        let part = self.replica.parts().rows_after(after, Seq(u64::MAX), read(&self.stored, &what));
        let Ok(Some((Rows::Records(rows), then))) = part else { panic!("records: {part:?}") };
        (rows, then)
    }

    /// All rows, part by part.
    fn parts(&self) -> Vec<Vec<RecordRow>> {
        let mut parts = Vec::new();
        let mut cursor = Some(Cursor::Records(None));
        while let Some(after) = cursor {
            let (rows, then) = self.part(&after);
            parts.push(rows);
            cursor = then;
        }
        parts
    }
}

fn position(seq: u64) -> Position {
    Position { epoch: Epoch(1), seq: Seq(seq) }
}

fn id(name: &str) -> UserId {
    name.parse().unwrap()
}

/// What the changes make of the records.
fn applied(mut records: Records, changes: &[(UserId, bool)]) -> Records {
    for (index, (id, is_there)) in changes.iter().enumerate() {
        let record = format!("{index}").into();
        if *is_there {
            let position = position(index as u64 + 1);
            records.insert(id.clone(), StoredRecord { position, record });
        } else {
            records.remove(id);
        }
    }
    records
}

proptest! {
    #[test]
    fn parts_are_bounded_and_the_same_rows_wherever_they_are(
        stored in btree_map("[a-c]{1,2}", Just(()), 0..12),
        changes in vec(("[a-c]{1,2}", any::<bool>()), 0..24),
    ) {
        let record = StoredRecord { position: position(0), record: "{}".into() };
        let stored: Records =
            stored.keys().map(|name| (id(name), record.clone())).collect();
        let changes: Vec<_> =
            changes.iter().map(|(name, is_there)| (id(name), *is_there)).collect();
        let all = applied(stored.clone(), &changes);

        let mut uncommitted = Copy::of(stored);
        uncommitted.write(&changes);
        let mut settled = Copy::of(all.clone());

        for copy in [&mut uncommitted, &mut settled] {
            let parts = copy.parts();
            let rows_max = copy.replica.parts().part_rows_max();
            prop_assert!(parts.iter().all(|part| part.len() <= rows_max), "{parts:?}");
            let rows = parts.concat().into_iter().map(|row| {
                (row.id, StoredRecord { position: row.position, record: row.record })
            });
            prop_assert_eq!(rows.collect::<Records>(), all.clone());
        }
    }

    /// Rows that a storage has at any time since a read began, with the entries since then above
    /// them, are those of the last entry.
    #[test]
    fn a_part_is_as_of_the_last_entry_however_much_of_it_was_read(
        before in vec(("[a-c]{1,2}", any::<bool>()), 0..8),
        since in vec(("[a-c]{1,2}", any::<bool>()), 0..8),
        seen: prop::sample::Index,
    ) {
        let of = |changes: &[(String, bool)]| {
            changes.iter().map(|(name, is_there)| (id(name), *is_there)).collect::<Vec<_>>()
        };
        let (before, all) = (of(&before), of(&[before, since].concat()));
        let mut copy = Copy::of(Records::new());
        copy.write(&before);
        copy.replica.log.commit(Seq(before.len() as u64));
        let pin = copy.replica.log.pin();
        copy.write_on(before.len(), &all[before.len()..]);
        copy.replica.log.commit(Seq(all.len() as u64));
        prop_assert!(copy.replica.log.tail().keeps(pin));
        let seen = before.len() + seen.index(all.len() - before.len() + 1);
        copy.stored = applied(Records::new(), &all[..seen]);
        let rows = copy.parts().concat().into_iter().map(|row| {
            (row.id, StoredRecord { position: row.position, record: row.record })
        });
        prop_assert_eq!(rows.collect::<Records>(), applied(Records::new(), &all));
    }
}

#[test]
fn a_part_ends_where_it_has_the_bytes_of_a_message() {
    let mut copy = Copy::of(Records::new());
    let large = "x".repeat(READ_BYTES_MAX);
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let entry = Entry {
            position: position(index as u64 + 1),
            request: RequestId { boot: GatewayBoot(Uuid::nil()), counter: index as u64 },
            unsettled_from: 0,
            change: Change::Create { id: id(name), record: large.clone().into() },
        };
        copy.with(|replica, cx| replica.apply(cx, entry));
    }
    let lengths = copy.parts().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths, [1, 1]);
}
