//! Copies of a node's data directory. Of several processes with the same data, only one may be
//! in the ring.

use std::fs;
use std::path::{Path, PathBuf};

use history::Outcome;
use history::users::{Fields, Input, Output, Patch};
use protocol::id::PartitionId;

use super::{SOON, Undisturbed, assert_says, complaint};
use crate::harness::cluster::Cluster;
use crate::harness::process::Process;
use crate::harness::users::call;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_on_copies_of_a_directory_the_second_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let copy = copy_of_stopped(&mut cluster, 0).await;
    cluster.start_node(0);
    let before = Undisturbed::ring(&cluster).await;

    let complaint = complaint(start(&cluster, &copy)).await;
    let words = ["cloned-directory", "db-0 is connected", "a copy of its data directory"];
    assert_says(&complaint, &words);
    before.is_still(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_a_directory_is_refused() {
    let mut cluster = Cluster::start(2).await;
    let copy = copy_of_stopped(&mut cluster, 0).await;
    cluster.start_node(0);
    cluster.healthy_within(SOON).await;
    cluster.stop_node(0).await;
    cluster.start_node(0);
    let before = Undisturbed::ring(&cluster).await;

    let complaint = complaint(start(&cluster, &copy)).await;
    let words = ["cloned-directory", "start number 3, this is number 2", "is an old copy"];
    assert_says(&complaint, &words);
    before.is_still(&mut cluster).await;
}

/// The number of starts does not show which data is newer. The process with more starts becomes
/// the node, as it would if the other were an old copy. The other process ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_started_more_often_takes_the_place_of_the_original() {
    let mut cluster = Cluster::start(2).await;
    let copy = copy_of_stopped(&mut cluster, 0).await;
    cluster.start_node(0);
    cluster.healthy_within(SOON).await;
    // The copy is refused, but its start counts. Its next start exceeds the original's by one.
    assert_says(&complaint(start(&cluster, &copy)).await, &["cloned-directory"]);

    let mut taker = start(&cluster, &copy);
    let complaint = complaint(cluster.take_node(0)).await;
    let words = ["cloned-directory", "start number 3, this is number 2", "is an old copy"];
    assert_says(&complaint, &words);
    cluster.status_within(SOON, |status| status.nodes[0].boots == Some(3)).await;
    cluster.healthy_within(SOON).await;
    assert!(taker.is_alive() && cluster.all_alive(), "the others go on");
}

/// The copy's neighbour knows newer data, so the copy ends. Every acknowledged update is still
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_missed_updates_ends_and_the_original_can_be_started_again() {
    let mut cluster = Cluster::start(2).await;
    let input = |id: &str, name: &str| {
        let patch = Patch { name: Some(name.to_owned()), ..Patch::default() };
        Input::Change { id: id.to_owned(), patch, if_match: None, if_none_match: None }
    };
    let users = [0, 1].map(|partition| cluster.user_of(PartitionId(partition)));
    for id in &users {
        let (name, email) = ("Ada".to_owned(), "ada@example.org".to_owned());
        let fields = Fields { name, email, group: 1 };
        done(&cluster, &Input::Create { id: id.clone(), fields }).await;
    }
    let copy = copy_of_stopped(&mut cluster, 0).await;
    cluster.start_node(0);
    cluster.healthy_within(SOON).await;
    for id in &users {
        done(&cluster, &input(id, "Augusta Ada")).await;
    }
    assert_says(&complaint(start(&cluster, &copy)).await, &["cloned-directory"]);

    let taker = start(&cluster, &copy);
    assert_says(&complaint(cluster.take_node(0)).await, &["cloned-directory"]);
    assert_says(&complaint(taker).await, &["has lost data", "start the node with its newest one"]);
    cluster.start_node(0);
    cluster.healthy_within(SOON).await;
    for id in &users {
        let read = done(&cluster, &Input::Read { id: id.clone() }).await;
        let Output::Found { fields, .. } = read else { panic!("{id}: {read:?}") };
        assert_eq!(fields.name, "Augusta Ada", "{id}");
    }
    assert!(cluster.all_alive(), "nobody else gave up");
}

/// The output of a call; panics unless it succeeds.
async fn done(cluster: &Cluster, input: &Input) -> Output {
    let ended = call(&cluster.http, &cluster.url(), input).await;
    let Outcome::Done(output) = ended.outcome else { panic!("{ended:?}") };
    output
}

/// Stops a node and copies its data directory; returns the path of the copy.
async fn copy_of_stopped(cluster: &mut Cluster, node: usize) -> PathBuf {
    cluster.stop_node(node).await;
    let copy = cluster.directory.path().join("copy");
    copy_directory(&cluster.data(node), &copy);
    copy
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the directory is writable");
    for entry in fs::read_dir(from).expect("there is a directory") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has a type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("it can be copied");
        }
    }
}

fn start(cluster: &Cluster, copy: &Path) -> Process {
    Process::start("copy", "db_process", &cluster.node_arguments("db-0", copy))
}
