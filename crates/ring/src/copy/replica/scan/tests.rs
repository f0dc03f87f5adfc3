//! The rows of a copy, part by part.

use std::ops::Bound;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use protocol::entry::{Change, Entry};
use protocol::id::{Epoch, GatewayBoot, Incarnation, PartitionId, Position, RequestId, Seq};
use protocol::message::Stretch;
use protocol::view::Member;
use uuid::Uuid;

use super::*;
use crate::node::{NodeEffect, NodeSettings};
use crate::store::{Mark, ReadError, RecoveredCopy, Stored};
use crate::time::Time;

const ROWS_MAX: usize = 3;

type Records = BTreeMap<UserId, StoredRecord>;

impl Stored for Records {
    fn record(&self, _: Member, id: &UserId) -> Result<Option<StoredRecord>, ReadError> {
        Ok(self.get(id).cloned())
    }

    fn records(
        &self,
        _: Member,
        after: Option<&UserId>,
        budget: Budget,
    ) -> Result<Vec<RecordRow>, ReadError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.range::<UserId, _>((from, Bound::Unbounded)).take(budget.rows_max);
        let row = |(id, StoredRecord { position, record }): (&UserId, &StoredRecord)| RecordRow {
            id: id.clone(),
            position: *position,
            record: record.clone(),
        };
        Ok(rows.map(row).collect())
    }

    fn entries(&self, _: Member, _: Seq, _: Seq, _: Budget) -> Result<Vec<Entry>, ReadError> {
        Ok(Vec::new())
    }

    fn applied(&self, _: Member, _: RequestId) -> Result<Option<Answer>, ReadError> {
        Ok(None)
    }
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
        let of = (PartitionId(0), Member::Home);
        let replica = Replica::recovered(of, me, &settings, RecoveredCopy::default());
        Self { replica, stored }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Replica, &mut Context<'_>) -> T) -> T {
        let (mut mark, mut effects) = (Mark(0), Vec::<NodeEffect>::new());
        let (stored, mark, effects) = (&self.stored, &mut mark, &mut effects);
        let mut cx = Context { now: Time::ZERO, stored, gateway: None, mark, effects };
        work(&mut self.replica, &mut cx)
    }

    /// The records are written one after the other, or deleted, and none of that is committed or in storage.
    fn write(&mut self, changes: &[(UserId, bool)]) {
        for (index, (id, is_there)) in changes.iter().enumerate() {
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

    /// All rows, stretch by stretch.
    fn stretches(&mut self) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut cursor = Some(Cursor::Records(None));
        while let Some(after) = cursor {
            let stretch = self.with(|replica, cx| replica.stretch_after(cx, &after)).unwrap();
            cursor = stretch.to.clone();
            stretches.push(stretch);
        }
        stretches
    }

    /// All rows, part by part.
    fn parts(&mut self) -> Vec<Vec<RecordRow>> {
        let mut parts = Vec::new();
        let mut cursor = Some(Cursor::Records(None));
        while let Some(after) = cursor {
            let part = self.with(|replica, cx| replica.rows_after(cx, &after));
            let Ok((Rows::Records(rows), then)) = part else { panic!("records: {part:?}") };
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

        let parts = uncommitted.parts();
        prop_assert!(parts.iter().all(|part| part.len() <= uncommitted.replica.part_rows_max()), "{parts:?}");
        let rows = parts.concat().into_iter().map(|row| {
            (row.id, StoredRecord { position: row.position, record: row.record })
        });
        prop_assert_eq!(rows.collect::<Records>(), all);

        for _ in 0..2 {
            let stretches = settled.stretches();
            for stretch in &stretches {
                prop_assert_eq!(uncommitted.with(|copy, cx| copy.has(cx, stretch)), Ok(true));
            }
            std::mem::swap(&mut settled, &mut uncommitted);
        }
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

#[test]
fn a_row_more_or_less_is_a_difference() {
    let record = StoredRecord { position: position(0), record: "{}".into() };
    let records =
        |names: &[&str]| names.iter().map(|name| (id(name), record.clone())).collect::<Records>();
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let stretches = Copy::of(records(&names)).stretches();
    let has_all = |copy: &mut Copy| {
        stretches
            .iter()
            .all(|stretch| copy.with(|replica, cx| replica.has(cx, stretch)) == Ok(true))
    };
    assert!(has_all(&mut Copy::of(records(&names))));
    assert!(!has_all(&mut Copy::of(records(&names[1..]))));
    assert!(!has_all(&mut Copy::of(records(&names[..6]))));
    for added in ["aa", "h"] {
        assert!(!has_all(&mut Copy::of(records(&[&names[..], &[added]].concat()))), "{added}");
    }
    for change in [(id("d"), false), (id("d"), true), (id("z"), true)] {
        let mut changed = Copy::of(records(&names));
        changed.write(&[change]);
        assert!(!has_all(&mut changed));
    }
}
