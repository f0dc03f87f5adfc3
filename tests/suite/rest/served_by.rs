//! The answering copy, where it is shown.

use std::time::Duration;

use protocol::id::PartitionId;
use reqwest::StatusCode;
use serde_json::json;

use super::client::{Answer, Rest, user};
use super::shared;
use crate::harness::cluster::Cluster;

const SERVED_BY: &str = "chainring-served-by";

/// Enough time to detect the loss of a node, to change views, and to bring the node back.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_which_copy_answered_unless_that_was_asked_for() {
    let (rest, _ring) = shared::ring().await;
    for answer in all_calls(&rest, "served-by-hidden").await {
        assert_eq!(answer.header(SERVED_BY), None, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_served_by_next_and_updates_by_home_and_all_by_home_once_next_is_down() {
    let mut cluster = Cluster::new(2).with_gateway_flags(&["--expose-served-by"]);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    let rest = Rest::new(&cluster.url());

    let id = cluster.user_of(PartitionId(0));
    let told = all_calls(&rest, &id)
        .await
        .map(|answer| answer.header(SERVED_BY).unwrap_or_else(|| panic!("{answer:?}")).to_owned());
    let (home, next) = ("db-0; copy=home; epoch=1", "db-1; copy=next; epoch=1");
    assert_eq!(told, [home, next, home, home, home, home, next, home, home]);

    rest.created(&id).await;
    cluster.kill_node(1).await;
    let read = rest.read(&id).await;
    assert_eq!(read.record(StatusCode::OK), user(&id));
    assert_eq!(read.header(SERVED_BY), Some("db-0; copy=home; epoch=2"));
    let changed = rest.change(&json!({ "id": id, "group": 1 })).await;
    assert_eq!(changed.header(SERVED_BY), Some("db-0; copy=home; epoch=2"));

    cluster.start_node(1);
    cluster.healthy_within(SOON).await;
    let read = rest.read(&id).await;
    assert_eq!(read.record(StatusCode::OK), changed.json());
    assert_eq!(read.header(SERVED_BY), Some("db-1; copy=next; epoch=3"));
}

/// Makes every call, with success and with each failure decided by a copy: create, read,
/// change, exists, precondition, delete, then read, change and delete of a missing user.
async fn all_calls(rest: &Rest, id: &str) -> [Answer; 9] {
    let change = json!({ "id": id, "group": 1 });
    let answers = [
        rest.create(&user(id)).await,
        rest.read(id).await,
        rest.change(&change).await,
        rest.create(&user(id)).await,
        rest.delete_if("\"stale\"", id).await,
        rest.delete(id).await,
        rest.read(id).await,
        rest.change(&change).await,
        rest.delete(id).await,
    ];
    let statuses = answers.each_ref().map(|answer| answer.status.as_u16());
    assert_eq!(statuses, [201, 200, 200, 409, 412, 204, 404, 404, 404]);
    answers
}
