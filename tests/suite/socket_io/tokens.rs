//! Observers with an API token, or without one.

use std::fs;

use process::tokens::{Role, line};
use protocol::refusal::RefusalCode;
use serde_json::{Value, json};

use super::rust::{Observer, assert_refused};
use super::{SOON, assert_welcome, hellos};
use crate::harness::cluster::Cluster;
use crate::harness::process::text;

const TOKEN: &str = "the token of a dashboard";

fn token(token: &str) -> Option<Value> {
    Some(json!({ "token": token }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_needs_a_token_only_where_rest_does() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.status_within(SOON, |_| true).await;
    for auth in [None, Some(json!({})), token("any"), Some(hellos::good())] {
        let mut observer = Observer::connect(&cluster, auth).await;
        assert_welcome(&observer.hears("welcome").await);
        observer.hears("cluster").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn observers_leave_room_for_the_nodes() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.status_within(SOON, |_| true).await;
    let mut observers = Vec::new();
    for _ in 0..128 {
        let mut observer = Observer::connect(&cluster, None).await;
        assert_welcome(&observer.hears("welcome").await);
        observers.push(observer);
    }
    let error = Observer::connect(&cluster, None).await.hears("error").await;
    let (code, words) = (RefusalCode::NotReady, "128 observers are connected");
    assert_refused(&None, error.as_str().expect("text"), code, words);
    cluster.start_node(0);
    cluster.start_node(1);
    cluster.healthy_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_is_let_in_by_its_token_until_the_file_says_otherwise() {
    let mut cluster = Cluster::new(2);
    let file = cluster.directory.path().join("tokens");
    fs::write(&file, line(Role::Read, TOKEN)).expect("the directory is writable");
    cluster = cluster.with_gateway_flags(&["--tokens-file", &text(&file)]);
    cluster.start_gateway();
    cluster.gateway().says("listening").await;

    for auth in [None, Some(json!({})), token("a guess"), Some(json!({ "token": 1 }))] {
        let mut stranger = Observer::connect(&cluster, auth.clone()).await;
        let error = stranger.hears("error").await;
        let (code, words) = (RefusalCode::Unauthorized, "missing or unknown");
        assert_refused(&auth, error.as_str().expect("text"), code, words);
    }
    let mut by_secret = Observer::connect(&cluster, Some(hellos::good())).await;
    let mut by_token = Observer::connect(&cluster, token(TOKEN)).await;
    for observer in [&mut by_secret, &mut by_token] {
        assert_welcome(&observer.hears("welcome").await);
        observer.hears("cluster").await;
    }

    fs::write(&file, line(Role::Admin, "another token")).expect("the directory is writable");
    by_token.hears("close").await;
    cluster.start_node(0);
    by_secret.hears("cluster").await;
    for (auth, event) in [(token(TOKEN), "error"), (token("another token"), "welcome")] {
        Observer::connect(&cluster, auth).await.hears(event).await;
    }
}
