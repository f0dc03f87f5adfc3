//! A bit flips in a node's storage. Nobody is served damaged data, and the copy is restored
//! from the other one.

mod accepted;

use std::time::Duration;

use db_process::storage::rocks::{RocksSettings, RocksStorage};
use db_process::storage::{Batch, ScanLimit, Storage, StorageReader, Table};
use db_process::store::audit::keys_of;
use protocol::view::Member;
use serde_json::{Value, json};

use crate::harness::audit::{assert_copies_agree, audits};
use crate::harness::cluster::Cluster;

const USERS: usize = 60;

/// How long finding and restoring all damage may take.
const REPAIR: Duration = Duration::from_secs(30);

/// The row to damage, by its place in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    First,
    Last,
}

/// Flips a bit of one row of a copy in a table of a node's storage. The node must not be
/// running.
fn turn_a_bit(cluster: &Cluster, node: usize, member: Member, table: Table, pick: Pick) {
    let storage = RocksStorage::open(&cluster.data(node), &RocksSettings::default())
        .expect("the storage opens");
    let keys = keys_of(&storage, member).expect("the rows about the node are whole");
    let keys = &keys.start[..]..&keys.end[..];
    let rows = storage.scan(table, keys, ScanLimit::NONE).expect("it can be read");
    let row = if pick == Pick::First { rows.first() } else { rows.last() };
    let (key, value) = row.expect("there are rows");
    let mut damaged = value.to_vec();
    *damaged.last_mut().expect("it is not empty") ^= 1;
    let mut batch = Batch::new();
    batch.put(table, key.clone(), damaged);
    storage.write(batch).expect("it can be written");
    storage.sync().expect("it can be synced");
}

async fn create_users(cluster: &Cluster) {
    for number in 0..USERS {
        let record = record(number);
        let url = format!("{}/api/user/", cluster.url());
        let created = cluster.http.post(url).json(&record).send().await.expect("an answer");
        assert!(created.status().is_success(), "{created:?}");
    }
}

fn record(number: usize) -> Value {
    let name = format!("name {number}");
    json!({ "id": format!("user-{number}"), "name": name, "email": "a@example.org", "group": 1 })
}

async fn every_user_is_as_created(cluster: &Cluster) {
    for number in 0..USERS {
        let url = format!("{}/api/user/user-{number}", cluster.url());
        let read = cluster.http.get(url).send().await.expect("an answer");
        assert!(read.status().is_success(), "user-{number}: {read:?}");
        assert_eq!(read.json::<Value>().await.expect("a record"), record(number));
    }
}

async fn damage_is_repaired(node: usize, member: Member, table: Table) {
    let mut cluster = Cluster::start(3).await;
    create_users(&cluster).await;
    cluster.stop_node(node).await;
    turn_a_bit(&cluster, node, member, table, Pick::Last);
    cluster.start_node(node);
    cluster.node(node).says("damaged").await;
    every_user_is_as_created(&cluster).await;
    cluster.healthy_within(REPAIR).await;
    every_user_is_as_created(&cluster).await;
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url())).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a text");
    let is_damaged =
        |line: &str| line.starts_with("chainring_copy_damaged") && !line.ends_with(" 0");
    assert!(!metrics.lines().any(is_damaged), "{metrics}");
    cluster.stop_all().await;
    assert_copies_agree(&cluster, &audits(&cluster));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_of_a_replica_is_restored() {
    damage_is_repaired(1, Member::Next, Table::Records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_of_a_primary_is_restored() {
    damage_is_repaired(1, Member::Home, Table::Records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_read_the_end_of_its_log_is_restored() {
    damage_is_repaired(2, Member::Home, Table::Log).await;
}
