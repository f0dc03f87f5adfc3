//! The gateway's account of itself, also before there is a cluster.

use std::time::Duration;

use api::ClusterStatus;
use protocol::id::Epoch;
use protocol::problem::ProblemType;
use protocol::view::InSync;
use reqwest::StatusCode;
use serde_json::json;

use super::client::{Rest, user};
use super::shared;
use crate::harness::cluster::{Cluster, node_id};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_that_is_well_says_so_and_shows_nodes_and_views() {
    let (rest, ring) = shared::ring().await;
    for path in ["/api/cluster", "/api/cluster/"] {
        let status = rest.get(path).await.record(StatusCode::OK);
        let status: ClusterStatus = serde_json::from_value(status).expect("a status");
        assert!(status.healthy && status.cluster.is_some(), "{status:#?}");
        for (number, node) in status.nodes.iter().enumerate() {
            assert_eq!(node.id, node_id(number));
            assert!(node.linked && node.incarnation.is_some(), "{node:?}");
            assert_eq!(node.boots, Some(1));
            let address = node.address.as_deref().expect("a node that is linked has an address");
            assert!(address.starts_with(&format!("{}:", ring.address)), "{address}");
        }
        for (place, partition) in ring.ring.places().zip(&status.partitions) {
            assert_eq!(partition.partition, place.partition());
            let view = partition.view.as_ref().expect("a view");
            assert_eq!(view.epoch, Epoch::FIRST);
            assert!(matches!(view.in_sync, InSync::Both { .. }), "{view:?}");
            assert!(partition.home.in_sync && partition.next.in_sync, "{partition:?}");
            assert!(partition.problems.is_empty(), "{partition:?}");
        }
        assert_eq!((status.nodes.len(), status.partitions.len()), (2, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_positions_of_both_copies_follow_the_updates() {
    let (rest, ring) = shared::ring().await;
    let id = "cluster-positions";
    let (_, tag) = rest.created(id).await;
    let partition = ring.ring.partition_of(&id.parse().expect("an id"));
    let seq = tag.trim_matches('"').split_once('.').expect("epoch and number").1;
    let seq: u64 = seq.parse().expect("a number");
    let has_it = |status: &ClusterStatus| {
        let partition = &status.partitions[usize::from(partition.0)];
        let durable = [&partition.home, &partition.next].map(|copy| copy.durable);
        durable.iter().all(|durable| durable.is_some_and(|durable| durable.0 >= seq))
    };
    ring.status_within(SOON, has_it).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_a_ring_is_alive_and_ready() {
    let (rest, _ring) = shared::ring().await;
    for path in ["/healthz", "/healthz/", "/readyz", "/readyz/"] {
        let answer = rest.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_cluster_is_formed_the_gateway_is_alive_but_not_ready_and_says_who_is_missing() {
    let mut cluster = Cluster::new(3);
    cluster.start_gateway();
    cluster.start_node(1);
    cluster.status_within(SOON, |status| status.nodes[1].address.is_some()).await;
    let rest = Rest::new(&cluster.url());

    let status = cluster.status().await.expect("the gateway tells");
    assert!(status.cluster.is_none() && !status.healthy, "{status:#?}");
    for partition in &status.partitions {
        let missing = "the cluster is not formed: waiting for db-0, db-2";
        assert_eq!(partition.problems, [missing], "{partition:?}");
    }
    assert_eq!(rest.get("/healthz").await.status, StatusCode::OK);
    let not_ready = rest.get("/readyz").await.problem(ProblemType::Unavailable);
    assert_eq!(
        not_ready["detail"],
        "the cluster is not formed yet: not all of its nodes have come"
    );
    for answer in [
        rest.create(&user("ada")).await,
        rest.read("ada").await,
        rest.change(&json!({ "id": "ada", "group": 1 })).await,
        rest.delete("ada").await,
    ] {
        let detail = &answer.problem(ProblemType::Unavailable)["detail"];
        assert_eq!(detail, "the cluster is not formed yet: not all of its nodes have come");
    }
    assert_eq!(rest.create(&json!({})).await.faulty_fields(), ["name", "email", "group"]);

    cluster.start_node(0);
    cluster.start_node(2);
    cluster.healthy_within(SOON).await;
    assert_eq!(rest.get("/readyz").await.status, StatusCode::OK);
    rest.read("ada").await.problem(ProblemType::UserNotFound);
    rest.created("ada").await;
}
