//! A gateway with another ring than its state or its nodes, or with another gateway beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{SOON, Undisturbed, assert_says, complaint};
use crate::harness::address;
use crate::harness::cluster::Cluster;
use crate::harness::process::{Process, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_a_state_directory_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let before = Undisturbed::ring(&cluster).await;
    let complaint = complaint(gateway(&cluster, "db-0,db-1", &state(&cluster))).await;
    assert_says(&complaint, &[&text(&state(&cluster)), "is used by another gateway"]);
    before.is_still(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_told_another_ring_than_it_has_formed_is_refused() {
    let mut cluster = Cluster::start(2).await;
    cluster.stop_gateway().await;
    for nodes in ["db-1,db-0", "db-0,db-1,db-2", "db-0,db-3"] {
        let complaint = complaint(gateway(&cluster, nodes, &state(&cluster))).await;
        let words = ["formed with the nodes db-0,db-1", nodes, "the ring cannot be changed"];
        assert_says(&complaint, &words);
    }
    cluster.start_gateway();
    cluster.healthy_within(SOON).await;
    assert!(cluster.all_alive(), "the nodes did not notice");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_were_formed_into_another_order_are_refused() {
    let mut cluster = Cluster::start(2).await;
    cluster.stop_gateway().await;
    turn_ring(&state(&cluster).join("cluster.json"));
    let arguments = arguments(&cluster, "db-1,db-0", &state(&cluster), cluster.address);
    let mut turned = Process::start("gateway", "gateway", &arguments);
    for node in [0, 1] {
        let complaint = complaint(cluster.take_node(node)).await;
        let of_node = format!("the data of db-{node} is of the ring db-0,db-1");
        assert_says(&complaint, &["other-ring", &of_node, "this is the ring db-1,db-0"]);
    }
    assert!(turned.is_alive(), "the gateway waits for nodes of its ring");
}

/// Swaps the nodes of a ring of two in the file of their gateway, and keeps the file
/// consistent.
fn turn_ring(file: &Path) {
    let text = fs::read_to_string(file).expect("the file of a gateway");
    let mut state: Value = serde_json::from_str(&text).expect("it is JSON");
    state["nodes"].as_array_mut().expect("the nodes").reverse();
    for view in state["views"].as_array_mut().expect("the views") {
        let both = view["in_sync"]["both"].as_object_mut().expect("both are in sync");
        let home = both.remove("home").expect("the data of home");
        let next = both.insert("next".to_owned(), home).expect("the data of next");
        both.insert("home".to_owned(), next);
    }
    fs::write(file, state.to_string()).expect("the file is writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_lost_its_state_finds_its_cluster_again() {
    let mut cluster = Cluster::start(2).await;
    let before = cluster.status().await.expect("the gateway tells");
    cluster.stop_gateway().await;
    fs::remove_dir_all(state(&cluster)).expect("the directory is writable");
    cluster.start_gateway();
    cluster.healthy_within(SOON).await;
    let after = cluster.status().await.expect("the gateway tells");
    assert_eq!(after.cluster, before.cluster);
    let epochs = |status: &api::ClusterStatus| {
        let views = status.partitions.iter().filter_map(|partition| partition.view);
        views.map(|view| view.epoch).collect::<Vec<_>>()
    };
    let later = epochs(&before).into_iter().map(|epoch| epoch.next()).collect::<Vec<_>>();
    assert_eq!(epochs(&after), later);
    assert!(cluster.all_alive(), "no node has ended");
}

fn state(cluster: &Cluster) -> PathBuf {
    cluster.directory.path().join("gateway")
}

/// Starts a second gateway at an address of its own.
fn gateway(cluster: &Cluster, nodes: &str, state: &Path) -> Process {
    let arguments = arguments(cluster, nodes, state, address::fresh());
    Process::start("second gateway", "gateway", &arguments)
}

fn arguments(
    cluster: &Cluster,
    nodes: &str,
    state: &Path,
    address: std::net::Ipv4Addr,
) -> Vec<String> {
    let secret = text(&cluster.directory.path().join("secret"));
    [
        ["--nodes", nodes],
        ["--state", &text(state)],
        ["--listen", &address.to_string()],
        ["--secret-file", &secret],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}
