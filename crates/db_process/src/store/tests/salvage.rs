//! A salvage leaves only readable rows, and drops only damaged ones.

use std::collections::BTreeSet;

use protocol::id::{Epoch, GatewayBoot, Position};
use protocol::salvage::Salvage;
use protocol::user::User;
use ring_core::store::SalvageRow;

use super::*;
use crate::storage::ScanLimit;

const USERS: u64 = 6;

fn id(number: u64) -> UserId {
    format!("user-{number}").parse().unwrap()
}

fn request(counter: u64) -> RequestId {
    RequestId { boot: GatewayBoot(Uuid::nil()), counter }
}

/// The entry that creates a user.
fn creates(number: u64) -> Mutation {
    let json =
        format!(r#"{{"id":"{}","name":"Ada","email":"ada@example.org","group":1}}"#, id(number));
    let record = User::from_json(json.as_bytes()).unwrap().to_json();
    let entry = Entry {
        position: Position { epoch: Epoch(1), seq: Seq(number) },
        request: request(number),
        unsettled_from: 1,
        change: Change::Create { id: id(number), record },
    };
    Mutation::Apply {
        member: MEMBER,
        entry,
        oldest_applied: Seq(2),
        settled: Vec::new(),
        scope: Scope::Whole,
    }
}

/// Flips a bit of a row's value; returns the row's key in its copy.
fn turn_a_bit(store: &Store, table: Table, row: usize, bit: usize) -> Option<Vec<u8>> {
    let (storage, keys) = (store.storage(), store.copy(MEMBER).keys());
    let rows = storage.scan(table, &keys.start[..]..&keys.end[..], ScanLimit::NONE).unwrap();
    let (key, value) = rows.get(row.checked_rem(rows.len())?)?;
    let mut value = value.to_vec();
    let bit = bit % (value.len() * 8);
    value[bit / 8] ^= 1 << (bit % 8);
    let mut batch = Batch::new();
    batch.put(table, key.clone(), value);
    storage.write(batch).unwrap();
    Some(copy::rest(key).to_vec())
}

fn write(store: &Store, mutation: &Mutation) {
    let mut batch = Batch::new();
    store.add(&mut batch, mutation);
    store.write(batch).unwrap();
}

/// Drops the unreadable rows, as the core does; returns the dropped records.
fn salvage(store: &Store) -> Vec<RecordKey> {
    let found = store.recover().unwrap().next;
    let last = match found.damage {
        Some(Damage::Unreadable(_)) => store.last_readable(MEMBER).unwrap(),
        Some(Damage::Known) | None => found.last,
    };
    let log = store.entries(MEMBER, Seq::ZERO, Seq(USERS), ALL);
    if log.is_err() || matches!(store.recover().unwrap().next.damage, Some(Damage::Unreadable(_))) {
        write(store, &Mutation::RestartLog { member: MEMBER, last });
    }
    let budget = Budget { rows_max: 2, bytes_max: usize::MAX };
    let (mut dropped, mut after) = (Vec::new(), None);
    loop {
        let Unreadable { keys, to } = store.unreadable(MEMBER, after.as_ref(), budget).unwrap();
        dropped.extend(keys);
        match to {
            Some(to) => after = Some(to),
            None => break,
        }
    }
    let row = SalvageRow { salvage: Salvage::begin(Epoch(9)), snapshot_to: Some(Seq(USERS)) };
    write(
        store,
        &Mutation::Salvage {
            member: MEMBER,
            row: row.clone(),
            is_damaged: false,
            dropped: dropped.clone(),
            rewritten: Vec::new(),
        },
    );
    assert_eq!(recovered(store).salvage, Some(row));
    dropped
}

proptest! {
    #[test]
    fn what_is_left_can_be_read_and_nothing_else_is_dropped(
        turned in vec((0_usize..3, any::<usize>(), any::<usize>()), 0..4),
        no_id in option::of("[^A-Za-z0-9._~-]{1,4}"),
    ) {
        let storage: Arc<dyn Storage> = Arc::new(MemoryDisk::new().open());
        let store = open(&storage);
        (1..=USERS).for_each(|number| write(&store, &creates(number)));
        let answer = Answer::Deleted;
        let rows = Rows::Applied(vec![AppliedRow { request: request(1), seq: Seq(1), answer }]);
        write(&store, &Mutation::Chunk { member: MEMBER, rows, then: None });
        let mut lost = BTreeSet::new();
        for (table, row, bit) in turned {
            let table = [Table::Records, Table::Log, Table::Applied][table];
            let key = turn_a_bit(&store, table, row, bit);
            lost.extend(key.filter(|_| table == Table::Records));
        }
        // A row with two flipped bits may be whole again.
        lost.retain(|key| {
            let id = RecordKey(key.clone()).id().unwrap();
            store.record(MEMBER, &id).is_err()
        });
        if let Some(key) = &no_id {
            let mut batch = Batch::new();
            let row = store.copy(MEMBER).key(&[key.as_bytes()]);
            batch.put(Table::Records, row, seal::seal(b"{}"));
            storage.write(batch).unwrap();
            lost.insert(key.as_bytes().to_vec());
        }
        let dropped = salvage(&store).into_iter().map(|RecordKey(key)| key).collect::<BTreeSet<_>>();
        prop_assert_eq!(&dropped, &lost);
        let left = store.records(MEMBER, None, ALL).unwrap();
        let kept = (1..=USERS).map(id).filter(|id| !lost.contains(id.as_str().as_bytes()));
        prop_assert_eq!(left.into_iter().map(|row| row.id).collect::<Vec<_>>(), kept.collect::<Vec<_>>());
        let copy = recovered(&open(&storage));
        prop_assert!(store.entries(MEMBER, Seq::ZERO, Seq(USERS), ALL).is_ok());
        prop_assert_eq!(copy.last.is_some(), copy.log_from > Seq::ZERO);
    }
}

#[test]
fn a_record_that_is_no_users_is_dropped_although_its_checksum_fits() {
    let store = with_row(Table::Records, &[b"ada"], &[&[0; 16][..], b"[]"].concat());
    assert_eq!(salvage(&store), [RecordKey(b"ada".to_vec())]);
}

#[test]
fn a_log_of_which_nothing_can_be_read_begins_anew_without_an_entry() {
    let store = with_row(Table::Log, &[&7_u64.to_be_bytes()], b"no entry");
    let damage = store.recover().unwrap().next.damage;
    assert!(matches!(damage, Some(Damage::Unreadable(_))), "{damage:?}");
    salvage(&store);
    assert_eq!((recovered(&store).last, recovered(&store).log_from), (None, Seq::ZERO));
}

#[test]
fn a_record_of_another_release_is_not_dropped() {
    let mut value = seal::seal(b"{}").to_vec();
    value[0] = 1;
    let storage: Arc<dyn Storage> = Arc::new(MemoryDisk::new().open());
    let store = open(&storage);
    let mut batch = Batch::new();
    batch.put(Table::Records, store.copy(MEMBER).key(&[b"ada"]), value);
    storage.write(batch).unwrap();
    let found = store.unreadable(MEMBER, None, ALL);
    assert!(matches!(found, Err(ReadError::Failed(_))), "{found:?}");
}
