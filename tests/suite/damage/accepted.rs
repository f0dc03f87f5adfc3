//! Both copies of a partition are damaged. Whole records are served, and an operator brings the
//! partition back.

use api::PartitionStatus;
use db_process::storage::Table;
use protocol::id::PartitionId;
use protocol::message::Condition;
use protocol::view::Member;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Pick, REPAIR, turn_a_bit};
use crate::harness::audit::{assert_copies_agree, audits};
use crate::harness::cluster::Cluster;
use crate::harness::process::Process;

/// The damaged partition. Its home copy is on db-0, its next copy on db-1.
const DAMAGED: PartitionId = PartitionId(0);

/// The copies of the damaged partition.
const COPIES: [(usize, Member); 2] = [(0, Member::Home), (1, Member::Next)];

/// A ring with users of the partition, in the order of their ids. The comparison of the copies
/// rests for an hour after some hundred rows, so damage is found only when a row is read.
async fn ring_with_users() -> (Cluster, Vec<String>) {
    let mut cluster = Cluster::new(3).with_node_flags(&["--scrub-pause-ms", "3600000"]);
    cluster.start_all();
    cluster.healthy_within(REPAIR).await;
    let mut users = cluster.users_of(DAMAGED).take(20).collect::<Vec<_>>();
    users.sort();
    for id in &users {
        assert_eq!(create(&cluster, id).await, StatusCode::CREATED);
    }
    (cluster, users)
}

fn record(id: &str) -> Value {
    json!({ "id": id, "name": "Ada", "email": "ada@example.org", "group": 1 })
}

async fn create(cluster: &Cluster, id: &str) -> StatusCode {
    let url = format!("{}/api/user/", cluster.url());
    cluster.http.post(url).json(&record(id)).send().await.expect("an answer").status()
}

async fn read(cluster: &Cluster, id: &str) -> StatusCode {
    let url = format!("{}/api/user/{id}", cluster.url());
    let answer = cluster.http.get(url).send().await.expect("an answer");
    let status = answer.status();
    if status.is_success() {
        assert_eq!(answer.json::<Value>().await.expect("a record"), record(id));
    }
    status
}

async fn all_are_read<'a>(cluster: &Cluster, users: impl IntoIterator<Item = &'a String>) {
    for id in users {
        assert_eq!(read(cluster, id).await, StatusCode::OK, "{id}");
    }
}

/// Stops both nodes, damages one row of each copy, and starts the nodes again.
async fn damage(cluster: &mut Cluster, rows: [(Table, Pick); 2]) {
    for (node, _) in COPIES {
        cluster.stop_node(node).await;
    }
    for ((node, member), (table, pick)) in COPIES.into_iter().zip(rows) {
        turn_a_bit(cluster, node, member, table, pick);
    }
    COPIES.into_iter().for_each(|(node, _)| cluster.start_node(node));
}

async fn wait_for(cluster: &Cluster, wanted: impl Fn(&PartitionStatus) -> bool) -> PartitionStatus {
    cluster.status_within(REPAIR, |status| wanted(&status.partitions[0])).await;
    cluster.status().await.expect("the gateway tells").partitions.swap_remove(0)
}

/// An operator accepts the loss of the unreadable data of a node; returns the output of the
/// command.
async fn accept(cluster: &Cluster, node: &str) -> String {
    let arguments = ["accept-loss", "--partition", "0", "--from", node, "--url", &cluster.url()];
    let (status, said) = Process::operator(&arguments).ended().await;
    assert!(status.success(), "{said}");
    said
}

async fn status_text(cluster: &Cluster) -> String {
    Process::operator(&["status", "--url", &cluster.url()]).ended().await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_no_copy_can_give_is_dropped_by_name_and_can_be_created_again() {
    let (mut cluster, users) = ring_with_users().await;
    let [lost, whole @ .., of_home] = &users[..] else { panic!("{users:?}") };
    damage(&mut cluster, [(Table::Records, Pick::First), (Table::Records, Pick::Last)]).await;
    // Next cannot read this user, and leaves the view. While home restores next, it finds
    // another user that it cannot read.
    wait_for(&cluster, |status| status.home.position.is_some() && status.next.position.is_some())
        .await;
    assert_eq!(read(&cluster, of_home).await, StatusCode::OK);
    let status =
        wait_for(&cluster, |status| status.home.condition == Some(Condition::Damaged)).await;
    let advice = "chainring accept-loss --partition 0 --from db-0";
    assert!(status.problems.iter().any(|problem| problem.contains(advice)), "{status:?}");
    cluster.kill_node(1).await;

    all_are_read(&cluster, whole.iter().chain([of_home])).await;
    assert_eq!(read(&cluster, lost).await, StatusCode::SERVICE_UNAVAILABLE);
    let said = accept(&cluster, "db-0").await;
    assert!(said.contains("`chainring status`"), "{said}");
    let status = wait_for(&cluster, |status| {
        status.salvage.as_ref().is_some_and(|salvage| salvage.ended)
            && status.home.condition == Some(Condition::Whole)
    })
    .await;
    let salvage = status.salvage.expect("it has ended");
    assert_eq!((salvage.dropped, salvage.names()), (1, lost.clone()));
    cluster.node(0).says("records that could not be read are dropped").await;
    let text = status_text(&cluster).await;
    assert!(text.contains("users dropped") && text.contains(lost.as_str()), "{text}");

    assert_eq!(read(&cluster, lost).await, StatusCode::NOT_FOUND);
    assert_eq!(create(&cluster, lost).await, StatusCode::CREATED);
    cluster.start_node(1);
    cluster.healthy_within(REPAIR).await;
    all_are_read(&cluster, &users).await;
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url())).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a text");
    assert!(metrics.contains("chainring_partition_users_dropped{partition=\"0\"} 1"), "{metrics}");
    cluster.stop_all().await;
    assert_copies_agree(&cluster, &audits(&cluster));
}

/// Neither copy can read the end of its log, so neither knows its own position.
async fn logs_that_cannot_be_read_are_given_up(accepted: usize) {
    let (mut cluster, users) = ring_with_users().await;
    damage(&mut cluster, [(Table::Log, Pick::Last), (Table::Log, Pick::Last)]).await;
    wait_for(&cluster, |status| {
        [&status.home, &status.next].iter().all(|of| of.condition == Some(Condition::Unreadable))
    })
    .await;
    assert_eq!(read(&cluster, &users[0]).await, StatusCode::SERVICE_UNAVAILABLE);
    accept(&cluster, &format!("db-{accepted}")).await;
    cluster.healthy_within(REPAIR).await;
    all_are_read(&cluster, &users).await;
    let status = cluster.status().await.expect("the gateway tells").partitions.swap_remove(0);
    assert_eq!(status.salvage.map(|salvage| salvage.dropped), Some(0), "no record is lost");
    let more = cluster.users_of(DAMAGED).find(|id| !users.contains(id)).expect("there are more");
    assert_eq!(create(&cluster, &more).await, StatusCode::CREATED);
    cluster.stop_all().await;
    assert_copies_agree(&cluster, &audits(&cluster));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_which_no_log_can_be_read_goes_on_with_the_records_of_home() {
    logs_that_cannot_be_read_are_given_up(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_which_no_log_can_be_read_goes_on_with_the_records_of_next() {
    logs_that_cannot_be_read_are_given_up(1).await;
}

/// Home cannot read the end of its log, and next cannot read one record. Next serves the other
/// records.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_serves_something_takes_over_from_one_that_serves_nothing() {
    let (mut cluster, users) = ring_with_users().await;
    let [whole @ .., lost] = &users[..] else { panic!("{users:?}") };
    damage(&mut cluster, [(Table::Log, Pick::Last), (Table::Records, Pick::Last)]).await;
    wait_for(&cluster, |status| status.next.condition == Some(Condition::Damaged)).await;
    all_are_read(&cluster, whole).await;
    assert_eq!(read(&cluster, lost).await, StatusCode::SERVICE_UNAVAILABLE);
    accept(&cluster, "db-1").await;
    cluster.healthy_within(REPAIR).await;
    assert_eq!(read(&cluster, lost).await, StatusCode::NOT_FOUND);
    assert_eq!(create(&cluster, lost).await, StatusCode::CREATED);
    cluster.stop_all().await;
    assert_copies_agree(&cluster, &audits(&cluster));
}
