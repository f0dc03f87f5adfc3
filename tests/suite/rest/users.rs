//! The four calls.

use protocol::problem::ProblemType;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{send, user};
use super::shared;

#[tokio::test(flavor = "multi_thread")]
async fn a_created_user_is_answered_with_its_record_and_is_found_at_its_location() {
    let (rest, _ring) = shared::ring().await;
    let created = rest.create(&user("users-created")).await;
    assert_eq!(created.record(StatusCode::CREATED), user("users-created"));
    assert_eq!(created.location(), "/api/user/users-created");

    let read = rest.get(created.location()).await;
    assert_eq!(read.record(StatusCode::OK), user("users-created"));
    assert_eq!(read.etag(), created.etag());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_works_with_a_trailing_slash_and_without() {
    let (rest, _ring) = shared::ring().await;
    for (id, slash) in [("users-slash", "/"), ("users-no-slash", "")] {
        let users = rest.url(&format!("/api/user{slash}"));
        let one = rest.url(&format!("/api/user/{id}{slash}"));
        let created = send(rest.http.post(&users).json(&user(id))).await;
        assert_eq!(created.record(StatusCode::CREATED), user(id));
        let changed = send(rest.http.put(&users).json(&json!({ "id": id, "group": 8 }))).await;
        assert_eq!(changed.record(StatusCode::OK)["group"], 8);
        assert_eq!(send(rest.http.get(&one)).await.record(StatusCode::OK)["group"], 8);
        send(rest.http.delete(&one)).await.is_empty(StatusCode::NO_CONTENT);
        send(rest.http.get(&one)).await.problem(ProblemType::UserNotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_just_the_fields_that_it_gives() {
    let (rest, _ring) = shared::ring().await;
    let id = "users-partial";
    let (mut expected, _) = rest.created(id).await;
    for (field, value) in [
        ("name", json!("Augusta Ada King")),
        ("email", json!("countess@example.org")),
        ("group", json!(0)),
        ("group", json!(u32::MAX)),
    ] {
        let changed = rest.change(&json!({ "id": id, field: value })).await;
        expected[field] = value;
        assert_eq!(changed.record(StatusCode::OK), expected, "{field}");
        let read = rest.read(id).await;
        assert_eq!(read.record(StatusCode::OK), expected, "{field}");
        assert_eq!(read.etag(), changed.etag(), "{field}");
    }
    assert_eq!(rest.change(&json!({ "id": id })).await.record(StatusCode::OK), expected);
    assert_eq!(rest.change(&user(id)).await.record(StatusCode::OK), user(id));
    assert_eq!(rest.read(id).await.record(StatusCode::OK), user(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_gone_until_it_is_created_again() {
    let (rest, _ring) = shared::ring().await;
    let id = "users-deleted";
    let (_, first) = rest.created(id).await;
    rest.delete(id).await.is_empty(StatusCode::NO_CONTENT);
    rest.read(id).await.problem(ProblemType::UserNotFound);
    rest.delete(id).await.problem(ProblemType::UserNotFound);
    rest.change(&json!({ "id": id, "group": 1 })).await.problem(ProblemType::UserNotFound);
    rest.read(id).await.problem(ProblemType::UserNotFound);

    let (record, second) = rest.created(id).await;
    assert_eq!(record, user(id));
    assert_ne!(first, second, "the tag of another record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_exists_is_not_created_again() {
    let (rest, _ring) = shared::ring().await;
    let id = "users-conflict";
    let (record, tag) = rest.created(id).await;
    let mut other = user(id);
    other["name"] = json!("Someone else");
    for body in [&user(id), &other] {
        let answer = rest.create(body).await;
        answer.problem(ProblemType::UserExists);
        assert!(answer.headers.get("location").is_none(), "{answer:?}");
    }
    let read = rest.read(id).await;
    assert_eq!((read.record(StatusCode::OK), read.etag()), (record, tag));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_addresses_of_any_script_come_back_as_they_were_sent() {
    let (rest, _ring) = shared::ring().await;
    let names: [(&str, Value); 4] = [
        ("users-longest-name", json!("ü".repeat(256))),
        ("users-quotes", json!("\"\\/\u{8}\u{c}\n\r\t\u{0}")),
        ("users-scripts", json!("Ада Лавлейс 阿达 👩🏽‍💻 \u{202e}")),
        ("users-email", json!("one character: 例え")),
    ];
    for (id, name) in names {
        let body = json!({ "id": id, "name": name, "email": "ü@例え.jp", "group": 0 });
        assert_eq!(rest.create(&body).await.record(StatusCode::CREATED), body);
        assert_eq!(rest.read(id).await.record(StatusCode::OK), body);
    }
}
