//! Nodes refused by a ring, which goes on undisturbed.

use std::fs;

use futures_util::FutureExt;
use protocol::hello::{GatewayPeer, Hello, NodeHello, Secret};
use protocol::id::{Boot, Incarnation};
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use uuid::Uuid;

use super::{SOON, Undisturbed, assert_says, complaint};
use crate::harness::cluster::{Cluster, SECRET, node_id};
use crate::harness::process::{Process, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_the_ring_does_not_have_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let data = cluster.directory.path().join("new");
    let complaint = complaint(stranger(&cluster.node_arguments("db-2", &data))).await;
    let words = ["unknown-node", "the ring has no node db-2", "its nodes are db-0,db-1"];
    assert_says(&complaint, &words);
    before.is_still(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_with_the_id_of_a_member_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let data = cluster.directory.path().join("new");
    for id in ["db-0", "db-1"] {
        let complaint = complaint(stranger(&cluster.node_arguments(id, &data.join(id)))).await;
        let words = ["already-connected", &format!("another node {id} is connected")];
        assert_says(&complaint, &words);
    }
    before.is_still(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_data_is_restored_and_its_old_directory_is_refused() {
    let mut cluster = Cluster::start(2).await;
    cluster.kill_node(1).await;
    let kept = cluster.directory.path().join("kept");
    fs::rename(cluster.data(1), &kept).expect("the directory is writable");
    cluster.start_node(1);
    cluster.healthy_within(SOON).await;
    cluster.stop_node(1).await;
    let complaint = complaint(stranger(&cluster.node_arguments("db-1", &kept))).await;
    assert_says(&complaint, &["lost-data", "db-1", "it was restored into another directory since"]);

    cluster.start_node(1);
    cluster.healthy_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_with_one_id_the_second_is_refused_before_there_is_a_cluster() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.start_node(0);
    cluster.status_within(SOON, |status| status.nodes[0].address.is_some()).await;
    let data = cluster.directory.path().join("new");
    let complaint = complaint(stranger(&cluster.node_arguments("db-0", &data))).await;
    assert_says(&complaint, &["already-connected", "another node db-0 is connected"]);

    cluster.start_node(1);
    cluster.healthy_within(SOON).await;
    assert!(cluster.all_alive(), "the first one is the member");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_cluster_is_refused_and_keeps_what_it_has() {
    let mut cluster = Cluster::start(2).await;
    let mut other = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let [this_id, other_id] = [id_of(&cluster).await, id_of(&other).await];
    other.stop_node(0).await;

    let complaint = complaint(stranger(&cluster.node_arguments("db-0", &other.data(0)))).await;
    assert_says(&complaint, &["foreign-cluster", "db-0", &this_id, &other_id]);
    before.is_still(&mut cluster).await;

    other.start_node(0);
    other.healthy_within(SOON).await;
}

async fn id_of(cluster: &Cluster) -> String {
    let status = cluster.status().await.expect("the gateway tells");
    status.cluster.expect("it is formed").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_secret_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let secret = cluster.directory.path().join("another secret");
    fs::write(&secret, "another secret").expect("the directory is writable");
    let program = cluster.stranger("db-0", &cluster.directory.path().join("new"));
    let program = program.with("--secret-file", text(&secret));
    let complaint = complaint(stranger(&program.arguments())).await;
    let words = ["unauthorized", "the cluster secret is missing or wrong"];
    assert_says(&complaint, &words);
    assert!(!complaint.contains(SECRET), "{complaint}");
    before.is_still(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_release_is_refused_whatever_else_it_says() {
    let mut cluster = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let node = NodeHello {
        node: node_id(0),
        incarnation: Incarnation(Uuid::from_u128(1)),
        boot: Boot { count: 1, nonce: Uuid::from_u128(2) },
        address: "127.0.0.1:1".to_owned(),
        membership: None,
    };
    let secret = Secret::new(SECRET).expect("long enough");
    let hello = Hello::new(secret, GatewayPeer::Node(node));
    let hello = serde_json::to_value(hello).expect("it serialises");
    for (field, value) in [("node", json!("db-0")), ("boot", json!("of another form"))] {
        let mut auth = hello.clone();
        auth["protocol"] = json!(99);
        auth["protocol_lowest"] = json!(98);
        auth[field] = value;
        let error = refusal_of(&cluster, auth).await;
        let words = ["protocol-version", "speaks protocol version 98 to 99", "a version in common"];
        assert_says(&error, &words);
    }
    before.is_still(&mut cluster).await;
}

/// Connects with this `auth`; returns the refusal.
async fn refusal_of(cluster: &Cluster, auth: Value) -> String {
    let (tell, mut told) = unbounded_channel();
    let client = ClientBuilder::new(format!("http://{}", cluster.socket_address()))
        .transport_type(TransportType::Websocket)
        .auth(auth)
        .reconnect(false)
        .on("error", move |payload: Payload, _: Client| {
            // The first error counts.
            let _ = tell.send(format!("{payload:?}"));
            async {}.boxed()
        });
    let _client = client.connect().await.expect("the gateway listens");
    let error = timeout(SOON, told.recv()).await.expect("it is told in time");
    error.expect("it is told")
}

fn stranger(arguments: &[String]) -> Process {
    Process::start("stranger", "db_process", arguments)
}
