//! Disks under real processes are slow or hang. They are named, others go on, and a process
//! ends if its disk does not come back.

mod ends;
mod gateways;
mod hangs;
mod joiner;
mod reads;

use api::ClusterStatus;
use serde_json::{Value, json};

use crate::harness::cluster::Cluster;

/// How long a partition may take until both copies are in sync again.
const RECOVERY: std::time::Duration = std::time::Duration::from_secs(30);

/// Whether a partition has a problem with these words.
fn has_problem(status: &ClusterStatus, partition: usize, words: &str) -> bool {
    status.partitions[partition].problems.iter().any(|problem| problem.contains(words))
}

/// Whether only the home copy of a partition is in sync.
fn is_home_only(status: &ClusterStatus, partition: usize) -> bool {
    let of = &status.partitions[partition];
    of.home.in_sync && !of.next.in_sync
}

/// The ids of the first users of a partition.
fn users(cluster: &Cluster, partition: usize, count: usize) -> Vec<String> {
    let place = cluster.ring.places().nth(partition).expect("a partition");
    cluster.users_of(place.partition()).take(count).collect()
}

async fn create(cluster: &Cluster, id: &str, name: &str) {
    let record = json!({ "id": id, "name": name, "email": "a@example.org", "group": 1 });
    let url = format!("{}/api/user/", cluster.url());
    let created = cluster.http.post(url).json(&record).send().await.expect("an answer");
    assert_eq!(created.status(), 201, "{id}");
}

/// Changes a user; returns the status.
async fn change(cluster: &Cluster, id: &str, group: u32) -> u16 {
    let url = format!("{}/api/user/", cluster.url());
    let patch = json!({ "id": id, "group": group });
    let changed = cluster.http.put(url).json(&patch).send().await.expect("an answer");
    changed.status().as_u16()
}

/// Reads a user; returns the group, or `None` if the read fails.
async fn read(cluster: &Cluster, id: &str) -> Option<u64> {
    let url = format!("{}/api/user/{id}", cluster.url());
    let read = cluster.http.get(url).send().await.expect("an answer");
    if !read.status().is_success() {
        return None;
    }
    read.json::<Value>().await.expect("a record")["group"].as_u64()
}
