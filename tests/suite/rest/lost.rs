//! The only copy in sync is lost with its data. Nobody is served until an operator accepts the
//! loss.

use std::fs;
use std::time::Duration;

use protocol::id::{NodeId, PartitionId};
use protocol::problem::ProblemType;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{Rest, send, user};
use crate::harness::cluster::{Cluster, node_id};
use crate::harness::process::Process;

const SOON: Duration = Duration::from_secs(30);

/// The lost partition. Its home copy is on db-0, its next copy on db-1.
const LOST: PartitionId = PartitionId(0);

/// A partition without loss. Its home copy is on db-1, its next copy on db-2.
const KEPT: PartitionId = PartitionId(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_partition_goes_on_with_the_copy_that_an_operator_names() {
    let mut cluster = Cluster::start(3).await;
    let rest = Rest::new(&cluster.url());
    let users: Vec<_> = cluster.users_of(LOST).take(2).collect();
    let [old, new] = &users[..] else { panic!("{users:?}") };
    rest.created(old).await;
    cluster.kill_node(1).await;
    cluster.status_within(SOON, |status| !status.partitions[0].next.in_sync).await;
    rest.created(new).await;
    cluster.kill_node(0).await;
    fs::remove_dir_all(cluster.data(0)).expect("its data can be removed");
    cluster.start_node(0);
    cluster.start_node(1);
    let is_lost_alone = |problems: &[String]| problems.iter().any(|line| line.starts_with("lost:"));
    cluster
        .status_within(SOON, |status| {
            let [lost, others @ ..] = &status.partitions[..] else { return false };
            is_lost_alone(&lost.problems) && others.iter().all(|other| other.problems.is_empty())
        })
        .await;

    let status = cluster.status().await.expect("the gateway tells");
    let words = &status.partitions[0].problems[0];
    let advice = "`chainring accept-loss --partition 0 --from db-1` goes on with what db-1 has";
    assert!(words.starts_with("lost: db-0 alone had the newest data of P0"), "{words}");
    assert!(words.ends_with(advice), "{words}");
    for id in [old, new] {
        rest.read(id).await.problem(ProblemType::Unavailable);
        rest.change(&json!({ "id": id, "group": 1 })).await.problem(ProblemType::Unavailable);
    }
    let refused = accept(&rest, KEPT, 2).await.problem(ProblemType::NothingToAccept);
    assert!(is_told(&refused, "P1 is not lost"), "{refused}");
    let refused = accept(&rest, LOST, 2).await.problem(ProblemType::NothingToAccept);
    assert!(is_told(&refused, "db-2 holds no copy of P0"), "{refused}");

    let arguments = ["accept-loss", "--partition", "0", "--from", "db-1", "--url", &cluster.url()];
    let command = Process::start("operator", "chainring", &arguments.map(str::to_owned));
    let (status, said) = command.ended().await;
    assert!(status.success(), "{said}");
    cluster.gateway().says("an operator accepts that updates are lost").await;
    cluster.healthy_within(SOON).await;
    assert_eq!(rest.read(old).await.record(StatusCode::OK), user(old));
    rest.read(new).await.problem(ProblemType::UserNotFound);
    rest.created(new).await;
}

async fn accept(rest: &Rest, partition: PartitionId, node: usize) -> super::client::Answer {
    let from: NodeId = node_id(node);
    let body = json!({ "partition": partition, "from": from });
    send(rest.http.post(rest.url("/api/cluster/accept-loss")).json(&body)).await
}

fn is_told(problem: &Value, words: &str) -> bool {
    problem["detail"].as_str().is_some_and(|detail| detail.contains(words))
}
