//! Data of earlier releases is opened, and served unchanged.
//!
//! Each folder of `tests/fixtures/release-0.1` is the data of a ring of two, as its processes
//! left it. It has users `user-1` to `user-300`. Every tenth of them was changed to group 100,
//! then every fifteenth was deleted.
//!
//! - `stopped`: all processes were told to stop.
//! - `killed`: `db-1` stood still while users `user-1001` to `user-1100` were created, then all
//!   processes were killed. `db-0` holds entries that `db-1` never had.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::harness::cluster::Cluster;

/// Enough time to start a ring.
const PATIENCE: Duration = Duration::from_secs(30);

/// A ring of two on a copy of the release's data.
async fn ring_of(fixture: &str) -> Cluster {
    let mut cluster = Cluster::new(2);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    for folder in ["gateway", "db-0", "db-1"] {
        copy(&from.join(folder), &cluster.directory.path().join(folder));
    }
    cluster.start_all();
    cluster.healthy_within(PATIENCE).await;
    cluster
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the directory can be made");
    for file in fs::read_dir(from).expect("the fixture is there") {
        let file = file.expect("it can be listed");
        fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
    }
}

/// The release's last answer for a user; `None` if it was deleted.
fn expected(number: u32) -> Option<Value> {
    let group = if number.is_multiple_of(10) { 100 } else { number % 7 };
    let record = json!({
        "id": format!("user-{number}"),
        "name": format!("User {number}"),
        "email": format!("user-{number}@example.org"),
        "group": group,
    });
    (!number.is_multiple_of(15)).then_some(record)
}

async fn assert_all_users_are_there(cluster: &Cluster) {
    for number in 1..=300 {
        let url = format!("{}/api/user/user-{number}", cluster.url());
        let response = cluster.http.get(url).send().await.expect("an answer");
        match expected(number) {
            Some(record) => {
                assert_eq!(response.status(), StatusCode::OK, "user-{number}");
                assert_eq!(response.json::<Value>().await.expect("JSON"), record);
            }
            None => assert_eq!(response.status(), StatusCode::NOT_FOUND, "user-{number}"),
        }
    }
}

/// Updates still work: a user is created, changed and deleted.
async fn assert_updates_go_on(cluster: &Cluster) {
    let (http, url) = (&cluster.http, format!("{}/api/user/", cluster.url()));
    let user = json!({"id": "later", "name": "Later", "email": "later@example.org", "group": 1});
    let created = http.post(&url).json(&user).send().await.expect("an answer");
    assert_eq!(created.status(), StatusCode::CREATED);
    let change = json!({"id": "later", "group": 2});
    let changed = http.put(&url).json(&change).send().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
    let deleted = http.delete(format!("{url}later")).send().await.expect("an answer");
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_release_0_1_has_left_when_it_was_stopped_is_served() {
    let mut cluster = ring_of("release-0.1/stopped").await;
    assert_all_users_are_there(&cluster).await;
    assert_updates_go_on(&cluster).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_release_0_1_has_left_when_it_was_killed_under_load_is_served() {
    let mut cluster = ring_of("release-0.1/killed").await;
    assert_all_users_are_there(&cluster).await;
    // No client was told of these users. Each is there as requested, or not at all, and both
    // copies agree.
    for number in 1_001..=1_100 {
        let url = format!("{}/api/user/user-{number}", cluster.url());
        let response = cluster.http.get(url).send().await.expect("an answer");
        match response.status() {
            StatusCode::NOT_FOUND => {}
            status => {
                assert_eq!(status, StatusCode::OK, "user-{number}");
                let record = response.json::<Value>().await.expect("JSON");
                assert_eq!(record["name"], json!(format!("Unheard {number}")));
            }
        }
    }
    assert_updates_go_on(&cluster).await;
    cluster.stop_all().await;
}
